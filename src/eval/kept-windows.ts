import { longestRuleWindow, shortestRuleWindow, windowsOf, type Slo, type Window } from '../slo/model.ts';
import { burnRate, errorRate, reaches } from './arithmetic.ts';
import type { KeptCoverage, KeptWindow, KeptWindows } from './kept.ts';
import type { Freshness, Gauge, WindowMeasurement } from './measurement.ts';

/**
 * Long windows cost a metrics source almost everything and change slowly, so an evaluation leans on what was read of them
 * before, as long as that cannot change a rule (docs/evaluation.md, "Long windows"; docs/adr/0010).
 */

/** What an evaluation reads, and what it leans on. */
export interface Reads {
  readonly read: readonly Window[];
  readonly kept: readonly KeptWindow[];
  /** null: read. */
  readonly coverage: KeptCoverage | null;
}

/** The share of a window's length, and of the evaluations in it, beyond which it is not kept. */
const mostAges = 2_880;

const mostMovement = 0.001;

/** Whether a window may be kept at all: it is long against the interval, and no rule's short one. */
export function isKeepable(slo: Slo, { name, lengthMs }: Window): boolean {
  return (
    lengthMs > mostAges * slo.evaluationInterval.ms && slo.rules.every(({ shortWindow }) => shortWindow.name !== name)
  );
}

/** How long what was read of a window is leaned on. */
export function keptForMs({ lengthMs }: Window): number {
  return lengthMs / mostAges;
}

/** What an evaluation reads first. With nothing kept, as where a client forced it: everything. */
export function windowsToRead(slo: Slo, windows: readonly Window[], kept: KeptWindows | null, atMs: number): Reads {
  const elapsedMs = atMs - (kept?.asOfMs ?? Infinity);
  // The wall clock was set back: how much time has passed is not known.
  if (kept === null || elapsedMs < 0) return { read: windows, kept: [], coverage: null };
  const leaned = new Map<string, KeptWindow>();
  for (const window of windows) {
    const known = kept.windows.find(({ name }) => name === window.name);
    if (known === undefined || !isKeepable(slo, window) || !isCurrent(known, keptForMs(window), atMs)) continue;
    // What will surely have moved too far is read at once, and not in a second request.
    const expected = known.moved + (kept.burnRate * elapsedMs) / window.lengthMs;
    if (expected <= mostMovement) leaned.set(window.name, known);
  }
  const { coverage } = kept;
  return {
    read: windows.filter(({ name }) => !leaned.has(name)),
    kept: [...leaned.values()],
    coverage: coverage !== null && isCurrent(coverage, keptForMs(longestRuleWindow(slo)), atMs) ? coverage : null,
  };
}

/** An instant in the future was read by a clock that was set back since. */
function isCurrent({ readAtMs, untilMs }: KeptWindow | KeptCoverage, forMs: number, atMs: number): boolean {
  return readAtMs <= atMs && atMs <= Math.min(untilMs, readAtMs + forMs);
}

/** What an evaluation has read so far, at one instant. */
export interface ReadSoFar {
  readonly evaluatedAtMs: number;
  readonly windows: readonly WindowMeasurement[];
  readonly freshness: Freshness;
  readonly points: Gauge;
  /** The source's doubts of its own answer. */
  readonly warnings: readonly string[];
}

/**
 * The windows that have to be read after all, at the same instant: a rule that needs one has its short window at the
 * threshold, its burn rate may have moved too far, or it is not known by how much.
 */
export function readAfterAll(slo: Slo, kept: KeptWindows, leaned: readonly KeptWindow[], read: ReadSoFar): Set<string> {
  const inflow = inflowOf(slo, kept, read);
  const again = leaned.filter(
    (window) => couldTrigger(slo, window.name, read.windows) || movedBy(slo, window, inflow) > mostMovement,
  );
  return new Set(again.map(({ name }) => name));
}

/** What may be leaned on by the next evaluation, of what this one has leaned on. */
export function stillKept(slo: Slo, kept: KeptWindows, read: ReadSoFar): readonly KeptWindow[] {
  const inflow = inflowOf(slo, kept, read);
  return kept.windows.flatMap((window) => {
    const leaned = read.windows.find((one) => one.window.name === window.name);
    if (leaned === undefined || leaned.readAtMs === read.evaluatedAtMs) return [];
    const moved = movedBy(slo, window, inflow);
    return moved <= mostMovement ? [{ ...window, moved }] : [];
  });
}

/** Whether a rule has that window as its long one, and its short one at the threshold. */
export function couldTrigger(slo: Slo, longWindow: string, windows: readonly WindowMeasurement[]): boolean {
  return slo.rules.some((rule) => {
    if (rule.longWindow.name !== longWindow) return false;
    const burn = burnOf(slo, stateOf(windows, rule.shortWindow));
    return burn !== null && reaches(burn, rule.threshold);
  });
}

/** The burn rate of the shortest window, by which movement is told; null where it is not known, doubted, or of old samples. */
export function shortestBurn(slo: Slo, read: ReadSoFar): number | null {
  const { freshness, warnings } = read;
  const isFresh =
    warnings.length === 0 &&
    freshness.state === 'ok' &&
    freshness.ages.every(({ ageMs }) => ageMs === null || ageMs <= slo.gating.stalenessLimit.ms);
  return isFresh ? burnSeen(slo, read, shortestRuleWindow(slo)) : null;
}

/** The burn rate of a window by which movement is told: where nobody asked for anything, nothing went wrong. */
function burnSeen(slo: Slo, read: ReadSoFar, window: Window): number | null {
  const measured = stateOf(read.windows, window);
  return isSilence(read, measured) ? 0 : burnOf(slo, measured);
}

/** A total of 0 that was counted: over series that have samples now, and not made by `or vector(0)` of none. */
function isSilence({ freshness, points }: ReadSoFar, measured: WindowMeasurement | undefined): boolean {
  return (
    measured?.state === 'noData' &&
    measured.cause === 'total is 0' &&
    freshness.state === 'ok' &&
    freshness.ages.every(({ ageMs }) => ageMs !== null) &&
    points.state === 'ok' &&
    points.value > 0
  );
}

/** Errors that came since the evaluation before, as a burn rate times the time that it lasted. */
interface Inflow {
  readonly burnMs: number;
  /** Events of the window that tells it. */
  readonly total: number;
}

/**
 * The burn rate of the shortest window over the time that has passed, and what its rise says of errors that came just now:
 * it shows an outage of half a minute as a tenth of what it is. Where more time has passed than it looks back over, all
 * errors of the shortest window that covers the time may have come in it. null: nobody knows.
 */
function inflowOf(slo: Slo, kept: KeptWindows, read: ReadSoFar): Inflow | null {
  const elapsedMs = read.evaluatedAtMs - kept.asOfMs;
  const burn = shortestBurn(slo, read);
  if (elapsedMs < 0 || burn === null) return null;
  const shortest = shortestRuleWindow(slo);
  if (elapsedMs <= shortest.lengthMs) {
    const rise = Math.max(burn - kept.burnRate, 0);
    return inflowIn(read.windows, shortest, burn * elapsedMs + rise * shortest.lengthMs);
  }
  const [covering] = windowsOf(slo)
    .filter(({ lengthMs }) => lengthMs >= elapsedMs)
    .filter((window) => stateOf(read.windows, window)?.readAtMs === read.evaluatedAtMs)
    .flatMap((window) => {
      const burnThen = burnSeen(slo, read, window);
      return burnThen === null ? [] : [{ window, burn: burnThen }];
    })
    .toSorted((a, b) => a.window.lengthMs - b.window.lengthMs);
  if (covering === undefined) return null;
  return inflowIn(read.windows, covering.window, covering.burn * covering.window.lengthMs);
}

function inflowIn(windows: readonly WindowMeasurement[], by: Window, burnMs: number): Inflow {
  const measured = stateOf(windows, by);
  return { burnMs, total: measured?.state === 'ok' ? measured.total : 0 };
}

function movedBy(slo: Slo, window: KeptWindow, inflow: Inflow | null): number {
  const length = windowsOf(slo).find(({ name }) => name === window.name)?.lengthMs;
  if (inflow === null || length === undefined) return Infinity;
  // Where queries give rates, more traffic than the window has on average weighs more in it.
  const weight = Math.max(1, inflow.total / window.total);
  return window.moved + (inflow.burnMs * weight) / length;
}

function stateOf(windows: readonly WindowMeasurement[], { name }: Window): WindowMeasurement | undefined {
  return windows.find(({ window }) => window.name === name);
}

function burnOf(slo: Slo, measured: WindowMeasurement | undefined): number | null {
  if (measured?.state !== 'ok') return null;
  return burnRate(errorRate(measured.good, measured.total), slo.errorBudget);
}
