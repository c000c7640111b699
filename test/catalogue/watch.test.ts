import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { eventually } from '../support/eventually.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { sloDirectory, sloText } from './slo-files.ts';

async function watched(path: string) {
  const log = createRecordingLog();
  const catalogue = createCatalogue({ directory: path, clock: systemClock, log });
  onTestFinished(() => catalogue.stop());
  await catalogue.start();
  const served = () => [...catalogue.current().slos.values()].map(({ slo }) => `${slo.id} ${slo.objective}`);
  return { catalogue, log, served };
}

describe('a directory that is watched', () => {
  it('is read before start resolves', async () => {
    const { served, log, catalogue } = await watched(sloDirectory({ 'a.yaml': sloText('slo-a') }).path);
    expect(served()).toEqual(['slo-a 0.99']);
    expect(log.lines.map(({ message }) => message)).toEqual(['Loaded 1 SLOs']);
    expect(catalogue.current().lastReload).toMatchObject({ outcome: 'ok', message: 'Loaded 1 SLOs' });
  });

  it('serves what is written, renamed over and removed', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a'), 'b.yaml': sloText('slo-b') });
    const { served } = await watched(directory.path);
    directory.write('a.yaml', sloText('slo-a', { objective: 0.9 }));
    await eventually(() => expect(served()).toEqual(['slo-a 0.9', 'slo-b 0.99']));
    directory.replace('a.yaml', sloText('slo-a', { objective: 0.8 }));
    await eventually(() => expect(served()).toEqual(['slo-a 0.8', 'slo-b 0.99']));
    directory.remove('b.yaml');
    await eventually(() => expect(served()).toEqual(['slo-a 0.8']));
  });

  it('serves a change of equal length in the same instant', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a', { objective: 0.91 }) });
    const { served } = await watched(directory.path);
    directory.write('a.yaml', sloText('slo-a', { objective: 0.92 }));
    await eventually(() => expect(served()).toEqual(['slo-a 0.92']));
  });

  it('follows the swap of a Kubernetes mount', async () => {
    const directory = sloDirectory({
      '..1/a.yaml': sloText('slo-a'),
      '..2/a.yaml': sloText('slo-a', { objective: 0.9 }),
    });
    symlinkSync('..1', join(directory.path, '..data'));
    symlinkSync('..data/a.yaml', join(directory.path, 'a.yaml'));
    const { served } = await watched(directory.path);
    symlinkSync('..2', join(directory.path, '..data_tmp'));
    renameSync(join(directory.path, '..data_tmp'), join(directory.path, '..data'));
    await eventually(() => expect(served()).toEqual(['slo-a 0.9']));
  });

  it('may be missing at the start, and is served when it is there', async () => {
    const path = join(sloDirectory().path, 'later');
    const { served, log, catalogue } = await watched(path);
    expect(served()).toEqual([]);
    expect(log.lines.map(({ message }) => message)).toEqual([
      `Failed to load SLOs: ${path}: no such file or directory (ENOENT)`,
      'Loaded 0 SLOs',
    ]);
    expect(catalogue.current()).toMatchObject({ filesInError: [{ file: path }], lastReload: { outcome: 'errors' } });
    mkdirSync(path);
    await eventually(() => expect(catalogue.current().filesInError).toEqual([]));
    renameSync(sloDirectory({ 'a.yaml': sloText('slo-a') }).path, join(path, 'team'));
    await eventually(() => expect(served()).toEqual(['slo-a 0.99']));
  });

  it('may be empty at the start, and says so', async () => {
    const directory = sloDirectory();
    const { served, log } = await watched(directory.path);
    expect(log.lines.map(({ message }) => message)).toEqual([
      `Failed to load SLOs: ${directory.path} holds no *.yaml or *.yml file`,
      'Loaded 0 SLOs',
    ]);
    directory.write('a.yaml', sloText('slo-a'));
    await eventually(() => expect(served()).toEqual(['slo-a 0.99']));
  });

  it('tells each problem once while it lasts', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a'), 'bad.yaml': 'a: [' });
    const { served, log } = await watched(directory.path);
    directory.write('b.yaml', sloText('slo-b'));
    await eventually(() => expect(served()).toEqual(['slo-a 0.99', 'slo-b 0.99']));
    expect(log.lines.filter(({ message }) => message.includes('bad.yaml'))).toHaveLength(1);
  });

  it('is left alone after stop', async () => {
    const directory = sloDirectory({ 'a.yaml': sloText('slo-a') });
    const { catalogue, served } = await watched(directory.path);
    await catalogue.stop();
    directory.write('a.yaml', sloText('slo-a', { objective: 0.9 }));
    await catalogue.reload();
    expect(served()).toEqual(['slo-a 0.99']);
  });
});
