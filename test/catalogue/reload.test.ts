import { renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import type { CatalogueChange } from '../../src/catalogue/ports.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { sloDirectory, sloText, type SloDirectory } from './slo-files.ts';

/** A clock whose sleeps are over at once, after what the test does in them. */
function impatientClock(duringSleep: () => void = () => undefined): Clock {
  return {
    now: () => systemClock.now(),
    sleep: () => {
      duringSleep();
      return Promise.resolve('elapsed');
    },
  };
}

/** A catalogue that is read when the test says so. */
async function aCatalogue(directory: SloDirectory, duringSleep?: () => void) {
  const log = createRecordingLog();
  const catalogue = createCatalogue({ directory: directory.path, clock: impatientClock(duringSleep), log });
  const changes: CatalogueChange[] = [];
  catalogue.onChange((change) => changes.push(change));
  const relative = (file: string) => file.slice(directory.path.length + 1);
  const seen = async () => {
    const { slos, filesInError, lastReload } = await catalogue.reload();
    return {
      slos: [...slos.values()].map(({ slo }) => `${slo.id} ${slo.objective}`),
      inError: filesInError.map(({ file, keeps }) => `${relative(file)} keeps ${keeps.join(' ') || 'nothing'}`),
      outcome: lastReload.outcome,
    };
  };
  await seen();
  return { catalogue, log, changes, seen, relative };
}

describe('a reload', () => {
  it('serves what was added, changed and removed, and tells which', async () => {
    const directory = sloDirectory({
      'a.yaml': sloText('slo-a'),
      'b.yaml': sloText('slo-b'),
      'c.yaml': sloText('slo-c'),
    });
    const { catalogue, changes, seen } = await aCatalogue(directory);
    const unchanged = catalogue.current().slos.get('slo-a');
    directory.write('b.yaml', sloText('slo-b', { objective: 0.95 }));
    directory.remove('c.yaml');
    directory.write('team/d.yaml', sloText('slo-d'));
    expect(await seen()).toEqual({ slos: ['slo-a 0.99', 'slo-b 0.95', 'slo-d 0.99'], inError: [], outcome: 'ok' });
    expect(changes).toEqual([
      { added: ['slo-a', 'slo-b', 'slo-c'], changed: [], removed: [] },
      { added: ['slo-d'], changed: ['slo-b'], removed: ['slo-c'] },
    ]);
    expect(catalogue.current().slos.get('slo-a')).toBe(unchanged);
  });

  it('of the same files tells nobody, and logs that it was done', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const { changes, seen, log } = await aCatalogue(directory);
    directory.write('a.yaml', sloText('slo-a'));
    await seen();
    expect(changes).toHaveLength(1);
    expect(log.lines.filter(({ message }) => message === 'Loaded 1 SLOs')).toHaveLength(2);
  });

  it('of a comment or another order changes no SLO', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const { changes, seen } = await aCatalogue(directory);
    directory.write('a.yaml', `# looked at\n${sloText('slo-a')}`);
    await seen();
    expect(changes.at(-1)).toEqual({ added: [], changed: [], removed: [] });
  });

  it('keeps the last good version of a file that turned bad, until it is good again', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a'), 'b.yaml': sloText('slo-b') });
    const { catalogue, seen, log, relative } = await aCatalogue(directory);
    directory.write('a.yaml', sloText('slo-a', { objective: 99 }));
    expect(await seen()).toEqual({
      slos: ['slo-a 0.99', 'slo-b 0.99'],
      inError: ['a.yaml keeps slo-a'],
      outcome: 'errors',
    });
    expect(catalogue.current().filesInError[0]).toMatchObject({
      declares: [{ id: 'slo-a', service: 'checkout', environment: 'production' }],
      problems: [{ line: 6, column: 14, path: 'spec.objective' }],
    });
    expect(log.lines.map(({ message }) => message.replace(directory.path + '/', ''))).toContain(
      'Failed to load SLOs: a.yaml:6:14 spec.objective: 99 is not allowed: a number greater than 0 and less than 1 (99.5 % is written 0.995)',
    );
    expect(relative(catalogue.current().filesInError[0]?.file ?? '')).toBe('a.yaml');
    directory.write('a.yaml', sloText('slo-a', { objective: 0.9 }));
    expect(await seen()).toEqual({ slos: ['slo-a 0.9', 'slo-b 0.99'], inError: [], outcome: 'ok' });
  });

  it.each(['', '# nothing\n', '---\n'])('keeps the last version of a file that was emptied to %j', async (text) => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a'), 'b.yaml': sloText('slo-b') });
    const { seen } = await aCatalogue(directory);
    directory.write('a.yaml', text);
    expect(await seen()).toEqual({
      slos: ['slo-a 0.99', 'slo-b 0.99'],
      inError: ['a.yaml keeps slo-a'],
      outcome: 'errors',
    });
    directory.remove('a.yaml');
    expect(await seen()).toEqual({ slos: ['slo-b 0.99'], inError: [], outcome: 'ok' });
  });

  it('keeps the last version of a file that cannot be read any more', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a'), 'b.yaml': sloText('slo-b') });
    const { seen } = await aCatalogue(directory);
    directory.remove('a.yaml');
    symlinkSync('a.yaml', join(directory.path, 'a.yaml'));
    expect(await seen()).toMatchObject({ slos: ['slo-a 0.99', 'slo-b 0.99'], inError: ['a.yaml keeps slo-a'] });
  });

  it('keeps what lies below a directory that cannot be read any more', async () => {
    const directory = sloDirectory({ 'team/a.yaml': sloText('slo-a'), 'b.yaml': sloText('slo-b') });
    const { seen } = await aCatalogue(directory);
    directory.remove('team');
    symlinkSync('team', join(directory.path, 'team'));
    expect(await seen()).toMatchObject({
      slos: ['slo-b 0.99', 'slo-a 0.99'],
      inError: ['team keeps slo-a'],
    });
  });

  it('lets an SLO go that its file no longer holds', async () => {
    const directory = sloDirectory({ 'a.yaml': `${sloText('slo-a')}---\n${sloText('slo-b')}` });
    const { seen } = await aCatalogue(directory);
    directory.write('a.yaml', sloText('slo-b'));
    expect(await seen()).toEqual({ slos: ['slo-b 0.99'], inError: [], outcome: 'ok' });
  });

  it('moves an SLO from file to file without a change', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const { catalogue, seen, changes } = await aCatalogue(directory);
    renameSync(join(directory.path, 'a.yaml'), join(directory.path, 'b.yaml'));
    expect(await seen()).toEqual({ slos: ['slo-a 0.99'], inError: [], outcome: 'ok' });
    expect(changes.at(-1)).toEqual({ added: [], changed: [], removed: [] });
    expect(catalogue.current().slos.get('slo-a')?.file).toBe(join(directory.path, 'b.yaml'));
  });

  it('keeps the set where the directory is empty all at once, until files are there again', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a'), 'b.yaml': sloText('slo-b') });
    const { catalogue, seen, log } = await aCatalogue(directory);
    directory.remove('a.yaml');
    directory.remove('b.yaml');
    expect(await seen()).toEqual({
      slos: ['slo-a 0.99', 'slo-b 0.99'],
      inError: [' keeps slo-a slo-b'],
      outcome: 'kept',
    });
    const words = 'it holds no *.yaml or *.yml file any more: the 2 SLOs loaded before go on being served';
    expect(catalogue.current().filesInError[0]?.problems[0]?.message).toBe(words);
    expect(log.lines.at(-2)?.message).toBe(`Failed to load SLOs: ${directory.path}: ${words}`);
    directory.remove('.');
    expect(await seen()).toMatchObject({ slos: ['slo-a 0.99', 'slo-b 0.99'], outcome: 'kept' });
    directory.write('c.yaml', sloText('slo-c'));
    expect(await seen()).toEqual({ slos: ['slo-c 0.99'], inError: [], outcome: 'ok' });
  });

  it('of a duplicate id keeps the one that runs, and puts the new file in error', async () => {
    const directory = sloDirectory({ 'b.yaml': sloText('same') });
    const { catalogue, seen } = await aCatalogue(directory);
    directory.write('a.yaml', `${sloText('same', { objective: 0.9 })}---\n${sloText('other')}`);
    expect(await seen()).toEqual({
      slos: ['same 0.99', 'other 0.99'],
      inError: ['a.yaml keeps nothing'],
      outcome: 'errors',
    });
    expect(catalogue.current().filesInError[0]?.problems[0]?.message).toContain(`${join(directory.path, 'b.yaml')}:3`);
    expect(catalogue.current().filesInError[0]?.declares).toEqual([
      { id: 'same', service: 'checkout', environment: 'production' },
    ]);
    directory.write('b.yaml', sloText('same', { objective: 0.8 }));
    expect((await seen()).slos).toContain('same 0.8');
    directory.remove('b.yaml');
    expect(await seen()).toMatchObject({ inError: [], outcome: 'ok' });
    expect((await seen()).slos).toContain('same 0.9');
  });

  it('of two documents with one id in the running file keeps the one that ran', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('same') });
    const { seen } = await aCatalogue(directory);
    directory.write('a.yaml', `${sloText('same', { objective: 0.9 })}---\n${sloText('same')}`);
    expect(await seen()).toMatchObject({ slos: ['same 0.99'], outcome: 'errors' });
  });

  it('of a running SLO whose file gave way to two that declare it keeps it', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('same') });
    const { seen } = await aCatalogue(directory);
    directory.remove('a.yaml');
    directory.write('b.yaml', sloText('same', { objective: 0.9 }));
    directory.write('c.yaml', sloText('same', { objective: 0.8 }));
    expect(await seen()).toMatchObject({
      slos: ['same 0.99'],
      inError: ['b.yaml keeps nothing', 'c.yaml keeps nothing'],
    });
  });

  it('is shared by all that ask while one is under way', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const { catalogue, log } = await aCatalogue(directory);
    const before = log.lines.length;
    const snapshots = await Promise.all(Array.from({ length: 100 }, () => catalogue.reload()));
    expect(log.lines.length - before).toBe(2);
    expect(new Set(snapshots).size).toBe(2);
  });

  it('that is asked for while one is under way sees what was written before it was asked for', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const { catalogue } = await aCatalogue(directory);
    const first = catalogue.reload();
    directory.write('b.yaml', sloText('slo-b'));
    expect([...(await catalogue.reload()).slos.keys()]).toEqual(['slo-a', 'slo-b']);
    await first;
  });
});

describe('a file that is being written', () => {
  it('is served when two readings agree, not before', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const steps = ['', sloText('slo-a').slice(0, 100), sloText('slo-a', { objective: 0.9 })];
    const { seen, log, changes } = await aCatalogue(directory, () => {
      const next = steps.shift();
      if (next !== undefined) directory.write('a.yaml', next);
    });
    directory.write('a.yaml', '#');
    expect(await seen()).toEqual({ slos: ['slo-a 0.9'], inError: [], outcome: 'ok' });
    expect(changes.map(({ changed }) => changed)).toEqual([[], ['slo-a']]);
    expect(log.lines.some(({ level }) => level === 'error')).toBe(false);
  });

  it('again and again does not hold the others up, and is never gone', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a'), 'c.yaml': sloText('slo-c') });
    let turn = 0;
    const { seen } = await aCatalogue(directory, () => {
      turn += 1;
      if (turn % 2 === 0)
        directory.remove('a.yaml'); // so at the last reading, too
      else directory.write('a.yaml', sloText('slo-a', { objective: 0.5 + turn / 1000 }));
    });
    directory.write('b.yaml', sloText('slo-b'));
    const { slos } = await seen();
    expect(slos).toContain('slo-b 0.99');
    expect(slos.some((slo) => slo.startsWith('slo-a '))).toBe(true);
  });
});

describe('any sequence of changes', () => {
  it('leaves an SLO served until its file is removed while others are there', async () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const change = fc.record({ name, to: fc.constantFrom('good', 'better', 'bad', 'empty', 'gone') });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 6 }), async (reloads) => {
        const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
        const { catalogue } = await aCatalogue(directory);
        const onDisk = new Map([['a', 'good']]);
        let expected = new Map([['a', 0.99]]);
        for (const changes of reloads) {
          for (const { name: file, to } of changes) {
            if (to === 'gone' && onDisk.delete(file)) directory.remove(`${file}.yaml`);
            if (to === 'gone') continue;
            onDisk.set(file, to);
            const text = {
              good: sloText(`slo-${file}`),
              better: sloText(`slo-${file}`, { objective: 0.5 }),
              bad: 'a: [',
              empty: '',
            };
            directory.write(`${file}.yaml`, text[to]);
          }
          const before = expected;
          if (onDisk.size > 0 || before.size === 0) expected = new Map();
          for (const [file, is] of [...onDisk].sort()) {
            const objective = is === 'good' ? 0.99 : is === 'better' ? 0.5 : before.get(file);
            if (objective !== undefined) expected.set(file, objective);
          }
          const { slos } = await catalogue.reload();
          expect([...slos].map(([id, { slo }]) => [id, slo.objective])).toEqual(
            [...expected].map(([file, objective]) => [`slo-${file}`, objective]),
          );
        }
      }),
      { numRuns: 60 },
    );
  });
});
