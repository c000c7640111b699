import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDirectory } from '../../src/catalogue/read-directory.ts';
import { scratch } from '../support/scratch.ts';
import { sloDirectory, sloText } from './slo-files.ts';

async function read(path: string) {
  const { slos, problems, ...rest } = await readDirectory(path);
  return {
    ...rest,
    ids: slos.map(({ slo }) => slo.id),
    problems: problems.map(({ file, message }) => `${file.slice(path.length + 1)}: ${message}`),
  };
}

describe('readDirectory', () => {
  it('reads *.yaml and *.yml of every level in path order, and nothing else', async () => {
    const { path } = sloDirectory({
      'b.yaml': sloText('slo-b'),
      'a.yml': sloText('slo-a'),
      'team/deep/c.yaml': sloText('slo-c'),
      'README.md': 'text',
      'd.yaml.bak': 'text: [',
      '.hidden.yaml': 'text: [',
      '.git/e.yaml': 'text: [',
    });
    expect(await read(path)).toEqual({ files: 3, ids: ['slo-a', 'slo-b', 'slo-c'], problems: [] });
  });

  it('reads a Kubernetes mount once, through its links', async () => {
    const { path } = sloDirectory({ '..2026_11_21/a.yaml': sloText('slo-a'), '..2026_11_21/b.yaml': sloText('slo-b') });
    symlinkSync('..2026_11_21', join(path, '..data'));
    symlinkSync('..data/a.yaml', join(path, 'a.yaml'));
    symlinkSync('..data/b.yaml', join(path, 'b.yaml'));
    expect(await read(path)).toEqual({ files: 2, ids: ['slo-a', 'slo-b'], problems: [] });
  });

  it('reads a directory and a file once, however many links lead to them', async () => {
    const { path } = sloDirectory({ 'team/a.yaml': sloText('slo-a') });
    symlinkSync('team', join(path, 'again'));
    symlinkSync('..', join(path, 'team/loop'));
    symlinkSync('team/a.yaml', join(path, 'b.yaml'));
    const { files, ids, problems } = await read(path);
    expect({ files, ids, problems }).toEqual({ files: 1, ids: ['slo-a'], problems: [] });
  });

  it('follows a link to a directory elsewhere', async () => {
    const elsewhere = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const root = join(scratch(), 'link');
    symlinkSync(elsewhere.path, root);
    expect(await read(root)).toEqual({ files: 1, ids: ['slo-a'], problems: [] });
  });

  it('opens regular files of at most 1 MiB of UTF-8 only, and names the others', async () => {
    const { path } = sloDirectory({
      'good.yaml': `${sloText('slo-a')}# ${'x'.repeat(2 ** 20 - sloText('slo-a').length - 2)}`,
      'large.yaml': `${sloText('slo-b')}# ${'x'.repeat(2 ** 20 - sloText('slo-b').length - 1)}`,
    });
    execFileSync('mkfifo', [join(path, 'fifo.yaml')]);
    symlinkSync('nowhere', join(path, 'dangling.yaml'));
    symlinkSync('round.yaml', join(path, 'round.yaml'));
    symlinkSync('/dev/zero', join(path, 'device.yaml'));
    writeFileSync(join(path, 'utf16.yaml'), Buffer.from(`\ufeff${sloText('slo-c')}`, 'utf16le'));
    writeFileSync(join(path, 'bom.yaml'), `\ufeff${sloText('slo-d')}`);
    mkdirSync(join(path, 'directory.yaml'));
    expect(await read(path)).toEqual({
      files: 8,
      ids: ['slo-d', 'slo-a'],
      problems: [
        'dangling.yaml: a link that leads nowhere',
        'device.yaml: not a regular file: it is not opened',
        'fifo.yaml: not a regular file: it is not opened',
        'large.yaml: larger than 1 MiB: it is not read',
        'round.yaml: too many links (ELOOP)',
        'utf16.yaml: not UTF-8 text',
      ],
    });
  });

  it('loads the valid files where others are in error, and no document of a file with an error', async () => {
    const { path } = sloDirectory({
      'bad.yaml': `${sloText('slo-a')}---\n${sloText('slo-b').replace('kind: SLO', 'kind: SLA')}`,
      'good.yaml': sloText('slo-c'),
    });
    const { ids, problems } = await read(path);
    expect(ids).toEqual(['slo-c']);
    expect(problems).toEqual(['bad.yaml: SLA is not allowed: the word SLO']);
  });

  it('loads neither of two SLOs with one id, and names both places', async () => {
    const { path } = sloDirectory({
      'a.yaml': sloText('same'),
      'b.yaml': `${sloText('other')}---\n${sloText('same')}`,
      'c.yaml': `${sloText('twice')}---\n${sloText('twice')}`,
    });
    const { ids, problems } = await read(path);
    expect(ids).toEqual(['other']);
    const rest = 'ids are unique over the directory';
    expect(problems).toEqual([
      `a.yaml: the id same is also in ${join(path, 'b.yaml')}:18: ${rest}`,
      `b.yaml: the id same is also in ${join(path, 'a.yaml')}:3: ${rest}`,
      `c.yaml: the id twice is also in ${join(path, 'c.yaml')}:18: ${rest}`,
      `c.yaml: the id twice is also in ${join(path, 'c.yaml')}:3: ${rest}`,
    ]);
  });

  it('says why the directory itself cannot be read', async () => {
    const { path } = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const missing = await readDirectory(join(path, 'nowhere'));
    expect(missing).toMatchObject({ unreadable: 'no such file or directory (ENOENT)', files: 0, slos: [] });
    expect(missing.problems).toMatchObject([{ severity: 'error', file: join(path, 'nowhere') }]);
    const file = await readDirectory(join(path, 'a.yaml'));
    expect(file).toMatchObject({ unreadable: 'not a directory (ENOTDIR)', slos: [] });
  });

  it('of no file at all is empty, without a problem', async () => {
    expect(await read(sloDirectory().path)).toEqual({ files: 0, ids: [], problems: [] });
  });

  it('reads two hard links as two files: their ids are told', async () => {
    const { path } = sloDirectory({ 'a.yaml': sloText('slo-a') });
    linkSync(join(path, 'a.yaml'), join(path, 'b.yaml'));
    expect((await read(path)).ids).toEqual([]);
  });
});
