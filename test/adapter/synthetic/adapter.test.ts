import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSyntheticAdapter } from '../../../src/adapter/synthetic/adapter.ts';
import { decide } from '../../../src/policy/decide.ts';
import { windowsOf, type Slo } from '../../../src/slo/model.ts';
import { itMeasuresLikeAnyAdapter } from '../../contract/metrics-adapter.ts';
import { anSlo } from '../../support/slo.ts';

const names = ['5m', '1h', '6h', '30d'];

function uniform(window: object): string {
  return JSON.stringify({ windows: Object.fromEntries(names.map((name) => [name, window])) });
}

const healthyWindow = { good: 99_950, total: 100_000 };

describe('the synthetic adapter', () => {
  itMeasuresLikeAnyAdapter(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'aegis-fixtures-'));
    const fixture = async (id: string, window: object): Promise<Slo> => {
      await writeFile(join(directory, `${id}.json`), uniform(window));
      return anSlo({ id });
    };
    const old = new Date(Date.now() - 20 * 60_000).toISOString();
    return {
      adapter: createSyntheticAdapter(directory),
      healthy: await fixture('healthy', healthyWindow),
      noTraffic: await fixture('no-traffic', { good: 0, total: 0 }),
      noSeries: await fixture('no-series', { good: null }),
      noGood: await fixture('no-good', { total: 100 }),
      negative: await fixture('negative', { good: -5, total: 100 }),
      stale: await fixture('stale', { ...healthyWindow, dataTimestamp: old }),
      breakSource: () => rename(join(directory, 'healthy.json'), join(directory, 'away.json')),
      repairSource: () => rename(join(directory, 'away.json'), join(directory, 'healthy.json')),
      close: () => rm(directory, { recursive: true }),
    };
  });
});

describe('a fixture file', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-fixtures-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const measure = async (slo: Slo, adapter = createSyntheticAdapter(directory)) => {
    const request = { slo, windows: windowsOf(slo), evaluatedAtMs: Date.now(), priority: 'urgent' } as const;
    const measurement = await adapter.measure(request, AbortSignal.timeout(10_000));
    return { measurement, result: decide(slo, measurement, []) };
  };
  const written = async (text: string, slo = anSlo({ id: 'written' })) => {
    await writeFile(join(directory, `${slo.id}.json`), text);
    return measure(slo);
  };

  it('is read again when it changes, even to one of the same length', async () => {
    const adapter = createSyntheticAdapter(directory);
    const slo = anSlo({ id: 'changing' });
    for (const good of [99_950, 90_000, 99_950, 90_000]) {
      await writeFile(join(directory, 'changing.json'), uniform({ good, total: 100_000 }));
      const { result } = await measure(slo, adapter);
      expect(result.decision).toBe(good === 90_000 ? 'BLOCK' : 'ALLOW');
    }
  });

  it('marks its decisions as synthetic', async () => {
    const { measurement } = await written(uniform(healthyWindow));
    expect(measurement.notes).toEqual(['synthetic data']);
  });

  it('has too few data points where it says so in the shortest rule window', async () => {
    const { result } = await written(uniform({ ...healthyWindow, dataPoints: 9 }));
    expect(result.items[0]?.reason).toBe('insufficient data (9 data points, 10 required)');
    expect((await written(uniform({ ...healthyWindow, dataPoints: 10 }))).result.decision).toBe('ALLOW');
  });

  it('is stale where one window is', async () => {
    const windows = Object.fromEntries(names.map((name) => [name, healthyWindow]));
    const dataTimestamp = '2020-01-01T00:00:00Z';
    const { result } = await written(
      JSON.stringify({ windows: { ...windows, '6h': { ...healthyWindow, dataTimestamp } } }),
    );
    expect(result).toMatchObject({ decision: 'WARN', isStale: true });
    expect(result.notes.join()).toContain('fixture window 6h');
  });

  it.each([
    ['broken JSON', '{"windows": {', 'broken JSON'],
    ['nothing', '', 'broken JSON'],
    ['a list', '[]', 'must be an object'],
    ['no windows', '{}', 'windows must be an object'],
    ['windows as a list', '{"windows": []}', 'windows must be an object'],
    ['no such window', '{"windows": {}}', 'windows.30d is missing'],
    ['a window that every object has', '{"windows": {"__proto__": {}}}', 'windows.30d is missing'],
    ['a window that is a number', uniform({}).replaceAll('{}', '7'), 'windows.30d must be an object'],
    ['a text for good', uniform({ good: '99', total: 100 }), 'windows.30d.good is "99"'],
    ['a list for total', uniform({ good: 99, total: [100] }), 'windows.30d.total is [100]'],
    ['a negative total', uniform({ good: 99, total: -100 }), 'windows.30d.total is -100'],
    [
      'a number that is too large',
      uniform({ good: 1, total: 2 }).replaceAll('2', '1e999'),
      'windows.30d.total is Infinity',
    ],
  ])('that holds %s is a failed measurement that names file and field', async (_, text, detail) => {
    const { measurement, result } = await written(text);
    const [first] = measurement.windows;
    expect(first).toMatchObject({ state: 'failed', failure: { reason: 'malformed' } });
    if (first?.state === 'failed') {
      expect(first.failure.detail).toContain(join(directory, 'written.json'));
      expect(first.failure.detail).toContain(detail);
    }
    expect(result.decision).toBe('WARN');
  });

  it.each([
    ['dataTimestamp', { dataTimestamp: 'yesterday' }],
    ['dataTimestamp', { dataTimestamp: 1_700_000_000 }],
    ['dataTimestamp', { dataTimestamp: null }],
    ['dataPoints', { dataPoints: '60' }],
    ['dataPoints', { dataPoints: -1 }],
    ['dataPoints', { dataPoints: 9.5 }],
  ])('with a wrong %s is never ALLOW', async (field, wrong) => {
    const { result } = await written(uniform({ ...healthyWindow, ...wrong }));
    expect(result.decision).toBe('WARN');
    expect(result.items[0]?.reason).toContain(field);
  });

  it('that is absent, a directory, a pipe, a dangling link or too large is a failed measurement', async () => {
    await mkdir(join(directory, 'a-directory.json'));
    execFileSync('mkfifo', [join(directory, 'a-pipe.json')]);
    await symlink(join(directory, 'nowhere'), join(directory, 'a-link.json'));
    await writeFile(join(directory, 'too-large.json'), ' '.repeat(2 ** 20 + 1));
    for (const id of ['absent', 'a-directory', 'a-pipe', 'a-link', 'too-large']) {
      const { measurement, result } = await measure(anSlo({ id }));
      expect(measurement.windows[0]).toMatchObject({ state: 'failed', failure: { reason: 'malformed' } });
      expect(result.decision).toBe('WARN');
    }
  });

  it('is never looked for outside the directory', async () => {
    await mkdir(join(directory, 'inner'));
    await writeFile(join(directory, 'outside.json'), uniform(healthyWindow));
    const { measurement } = await measure(
      anSlo({ id: '../outside' }),
      createSyntheticAdapter(join(directory, 'inner')),
    );
    expect(measurement.windows[0]?.state).toBe('failed');
  });

  it('without a directory for it is a failed measurement', async () => {
    const { measurement, result } = await measure(anSlo(), createSyntheticAdapter(undefined));
    expect(measurement.windows[0]).toMatchObject({ state: 'failed', failure: { reason: 'malformed' } });
    expect(result.decision).toBe('WARN');
  });
});

describe('fixtures/metrics', () => {
  const adapter = createSyntheticAdapter(fileURLToPath(new URL('../../../fixtures/metrics', import.meta.url)));

  it.each([
    ['healthy', 'ALLOW', 'all burn rate checks passed'],
    ['api-availability', 'ALLOW', 'all burn rate checks passed'],
    ['fast-burn', 'BLOCK', 'rule fast-burn triggered: short=20.00x, long=20.00x (threshold=14.00x)'],
    ['slow-burn', 'BLOCK', 'rule slow-burn triggered: short=8.00x, long=8.00x (threshold=7.00x)'],
    ['stale', 'WARN', 'data is stale'],
    ['zero-traffic', 'WARN', 'insufficient data (zero traffic)'],
  ])('%s is %s', async (id, decision, reason) => {
    const slo = anSlo({ id });
    const request = { slo, windows: windowsOf(slo), evaluatedAtMs: Date.now(), priority: 'urgent' } as const;
    const result = decide(slo, await adapter.measure(request, AbortSignal.timeout(10_000)), []);
    expect(result.decision).toBe(decision);
    expect(result.items.map((item) => item.reason)).toEqual([reason]);
    if (decision === 'ALLOW') {
      expect(result.sli.value).toBe(0.9995);
      expect(result.sli.budgetRemaining).toBeCloseTo(0.9, 12);
    }
  });
});
