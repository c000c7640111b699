import { setMaxListeners } from 'node:events';
import { readAfterAll, windowsToRead, type Reads } from '../../eval/kept-windows.ts';
import type {
  Failure,
  Measurement,
  MeasureRequest,
  Reading,
  WindowMeasurement,
  WindowState,
} from '../../eval/measurement.ts';
import { classifyWindow } from '../../eval/reading.ts';
import { unmeasured } from '../../eval/unmeasured.ts';
import type { Window } from '../../slo/model.ts';
import type { Breaker } from './breaker.ts';
import { Collection } from './collection.ts';
import { askAll, type Tools } from './evaluation.ts';
import type { Unit } from './part.ts';
import { planQueries, windowUnits, type QueryPlan } from './query-plan.ts';

/** One evaluation's questions, unless the circuit breaker is open. */
export async function measure(
  request: MeasureRequest,
  tools: Tools,
  breaker: Pick<Breaker, 'admit'>,
  signal: AbortSignal,
): Promise<Measurement> {
  // One signal for the many requests of one evaluation, without Node's warning of a leak.
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  const end = () => {
    ending.abort('over');
  };
  const admission = breaker.admit(request.priority, end);
  if (admission.kind === 'refused') {
    return unmeasured(request.slo, request.evaluatedAtMs, 'unreachable', admission.detail);
  }
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await asked(request, tools, ending.signal);
  } finally {
    signal.removeEventListener('abort', end);
    admission.leave();
  }
}

/** One request in the common case; a second one for what the answers of the first call for. */
async function asked(request: MeasureRequest, tools: Tools, signal: AbortSignal): Promise<Measurement> {
  const { slo, windows, evaluatedAtMs, kept = null } = request;
  const reads = windowsToRead(slo, windows, kept, evaluatedAtMs);
  const plan = planQueries(slo, reads.read, evaluatedAtMs, reads.coverage);
  const collected = new Collection();
  await askAll(plan.units, request, tools, collected, signal);

  const readingOf = (tag: string) => collected.readings.get(tag);
  const first = reads.read.map((window) => windowRead(collected, window, evaluatedAtMs));
  const checks = plan.followUps(readingOf);
  const again = windowsToReadAgain(request, reads, plan, first, collected, checks);
  const followUps = [...checks, ...windowUnits(slo, again)];
  await askAll(followUps, request, tools, collected, signal);

  const { clockSkewMs, warnings, infos } = collected;
  const deadFailure = failureOfAll(first);
  return {
    evaluatedAtMs,
    windows: windows.map((window) => {
      const leaned = reads.kept.find(({ name }) => name === window.name);
      if (leaned === undefined || again.includes(window)) return windowRead(collected, window, evaluatedAtMs);
      if (deadFailure !== null) return { state: 'failed', failure: deadFailure, window, readAtMs: evaluatedAtMs };
      const { good, total, readAtMs } = leaned;
      return { state: 'ok', good, total, goodMissing: false, window, readAtMs };
    }),
    ...plan.readChecks(readingOf),
    clockSkewMs,
    warnings,
    infos,
  };
}

/** A source that answers nothing is not asked again: what was leaned on has failed with the rest. */
function windowsToReadAgain(
  { slo, windows, evaluatedAtMs, kept = null }: MeasureRequest,
  reads: Reads,
  plan: QueryPlan,
  first: readonly WindowMeasurement[],
  { readings, warnings }: Collection,
  checks: readonly Unit[],
): readonly Window[] {
  if (kept === null || reads.kept.length === 0 || failureOfAll(first) !== null) return [];
  const { freshness, points } = plan.readChecks((tag) => readings.get(tag));
  const isSearched = checks.some(({ parts }) => parts.some(({ role }) => role === 'freshness'));
  const again = isSearched
    ? new Set(reads.kept.map(({ name }) => name))
    : readAfterAll(slo, kept, reads.kept, { evaluatedAtMs, windows: first, freshness, points, warnings });
  return windows.filter(({ name }) => again.has(name));
}

/** The failure, where every window has failed. */
function failureOfAll(windows: readonly WindowMeasurement[]): Failure | null {
  const [first] = windows;
  return first?.state === 'failed' && windows.every(({ state }) => state === 'failed') ? first.failure : null;
}

function windowRead({ readings }: Collection, window: Window, readAtMs: number): WindowMeasurement {
  return measuredWindow(stateRead(readings, window), window, readAtMs);
}

/** Written out: an object that begins with a spread has a hidden class of its own, larger than itself, each time. */
function measuredWindow(read: WindowState, window: Window, readAtMs: number): WindowMeasurement {
  switch (read.state) {
    case 'ok': {
      const { good, total, goodMissing } = read;
      return { state: 'ok', good, total, goodMissing, window, readAtMs };
    }
    case 'noData':
      return { state: 'noData', cause: read.cause, window, readAtMs };
    case 'failed':
      return { state: 'failed', failure: read.failure, window, readAtMs };
  }
}

function stateRead(readings: ReadonlyMap<string, Reading>, { name }: Window): WindowState {
  const of = (tag: string): Reading => {
    const reading = readings.get(tag);
    if (reading === undefined) throw new Error(`the plan's part ${tag} was not asked`);
    return reading;
  };
  return classifyWindow(of(`good:${name}`), of(`total:${name}`));
}
