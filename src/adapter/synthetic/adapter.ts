import { join } from 'node:path';
import type { Failure, Freshness, Gauge, Measurement, MeasureRequest, MetricsAdapter } from '../../eval/measurement.ts';
import { classifyWindow } from '../../eval/reading.ts';
import { shortestRuleWindow, windowsOf, type Slo } from '../../slo/model.ts';
import { fileErrorOf, readSmallFile } from '../small-file.ts';
import { failureOf, parseFixture, type Fixture } from './fixture.ts';

const largestFixtureBytes = 1024 * 1024;

/**
 * Measures SLOs with files, for trying out and for tests: `<slo id>.json` in the directory, read anew at each
 * evaluation. What is not there, or not as it should be, is a failed measurement.
 */
export function createSyntheticAdapter(directory: string | undefined): MetricsAdapter {
  return {
    name: 'synthetic',
    async measure(request, signal) {
      const fixture = await beforeAbort(readFixture(directory, request.slo.id), signal);
      return fixture.kind === 'fixture'
        ? measured(request, fixture)
        : failedMeasurement(request, { ...failureOf('good', fixture.detail), reason: fixture.reason });
    },
  };
}

type ReadFixture =
  | Extract<Fixture, { kind: 'fixture' }>
  | { readonly kind: 'failed'; readonly reason: 'malformed' | 'timeout'; readonly detail: string };

function malformed(detail: string): ReadFixture {
  return { kind: 'failed', reason: 'malformed', detail };
}

async function readFixture(directory: string | undefined, id: string): Promise<ReadFixture> {
  if (directory === undefined) return malformed('no directory of synthetic fixtures is set (--synthetic-fixtures)');
  // Ids are checked where SLOs are loaded; a path must not hang on that.
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(id)) return malformed('the id of the SLO is no file name');
  const path = join(directory, `${id}.json`);
  try {
    const fixture = parseFixture(path, await readSmallFile(path, largestFixtureBytes));
    return fixture.kind === 'fixture' ? fixture : malformed(fixture.detail);
  } catch (error) {
    return malformed(`${path}: ${fileErrorOf(error)}`);
  }
}

/** A file system that hangs is a source that does not answer. */
async function beforeAbort(reading: Promise<ReadFixture>, signal: AbortSignal): Promise<ReadFixture> {
  const late: ReadFixture = { kind: 'failed', reason: 'timeout', detail: 'the fixture was not read in time' };
  if (signal.aborted) return late;
  return new Promise((resolve) => {
    const onAbort = () => {
      resolve(late);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    void reading.then((fixture) => {
      signal.removeEventListener('abort', onAbort);
      resolve(fixture);
    });
  });
}

function measured(request: MeasureRequest, fixture: Extract<Fixture, { kind: 'fixture' }>): Measurement {
  const { slo, windows, evaluatedAtMs } = request;
  return {
    ...nothingBeside(evaluatedAtMs),
    windows: windows.map((window) => {
      const { good, total } = fixture.window(window.name);
      return { ...classifyWindow(good, total), window, readAtMs: evaluatedAtMs };
    }),
    freshness: freshnessOf(slo, fixture, evaluatedAtMs),
    points: pointsOf(slo, fixture),
  };
}

type Windows = Pick<Extract<Fixture, { kind: 'fixture' }>, 'window'>;

/** The oldest of the windows' newest samples. */
function freshnessOf(slo: Slo, fixture: Windows, evaluatedAtMs: number): Freshness {
  const all = windowsOf(slo).map(({ name }) => ({ name, ...fixture.window(name) }));
  const failure = all.flatMap(({ faults }) => faults).find(({ role }) => role === 'freshness');
  if (failure !== undefined) return { state: 'failed', failure };
  const ages = all.flatMap(({ name, dataTimestampMs }) =>
    dataTimestampMs === undefined
      ? []
      : [{ metric: `fixture window ${name}`, ageMs: Math.max(0, evaluatedAtMs - dataTimestampMs) }],
  );
  return { state: 'ok', ages: ages.toSorted((a, b) => b.ageMs - a.ageMs).slice(0, 1) };
}

function pointsOf(slo: Slo, fixture: Windows): Gauge {
  const { dataPoints, faults } = fixture.window(shortestRuleWindow(slo).name);
  const failure = faults.find(({ role }) => role === 'points');
  if (failure !== undefined) return { state: 'failed', failure };
  return dataPoints === undefined ? { state: 'notMeasured' } : { state: 'ok', value: dataPoints };
}

function failedMeasurement({ windows, evaluatedAtMs }: MeasureRequest, failure: Failure): Measurement {
  return {
    ...nothingBeside(evaluatedAtMs),
    windows: windows.map((window) => ({ state: 'failed', failure, window, readAtMs: evaluatedAtMs })),
    freshness: { state: 'ok', ages: [] },
    points: { state: 'notMeasured' },
  };
}

function nothingBeside(evaluatedAtMs: number): Omit<Measurement, 'windows' | 'freshness' | 'points'> {
  return {
    evaluatedAtMs,
    coverage: { state: 'notMeasured' },
    clockSkewMs: null,
    warnings: [],
    infos: [],
    notes: ['synthetic data'],
  };
}
