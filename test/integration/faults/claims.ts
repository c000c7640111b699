import { readFileSync } from 'node:fs';
import type { Answer, GateServer } from '../../support/gate-server.ts';
import type { HandledRequest } from '../../support/fault-proxy.ts';
import type { Episode, Story } from './episode.ts';
import { askedFor } from './service.ts';
import type { Sighting } from './watch.ts';

// Each claim gives the sentences that contradict it: none, where it holds. A client knows only that an answer was made
// after its question was sent and before it came; all comparisons are on the side that a slow machine cannot falsify.

/** Every ALLOW rests on one evaluation within the bound, all of whose last requests got the source's true answer. */
export function unprovenAllows(story: Story, requests: readonly HandledRequest[], boundMs: number): readonly string[] {
  const lastStrike = new Map(requests.map((request) => [evaluatedAtOf(request), request.struckBy]));
  return story.sightings
    .filter(isAllow)
    .flatMap((one) => [
      ...(one.sentAtMs - one.evaluatedAtMs > boundMs ? [`${tell(one)}: older than ${boundMs} ms`] : []),
      ...(lastStrike.has(one.evaluatedAtMs) ? [] : [`${tell(one)}: nothing was asked for it`]),
      ...(lastStrike.get(one.evaluatedAtMs) === undefined ? [] : [`${tell(one)}: its answer was spoilt`]),
    ]);
}

/** No ALLOW is told later than the bound after the last healthy evaluation that the fault let be. */
export function lateAllows(story: Story, { beganAtMs, endedAtMs }: Episode, boundMs: number): readonly string[] {
  return story.sightings
    .filter(isAllow)
    .filter(({ sentAtMs, receivedAtMs }) => sentAtMs > beganAtMs + boundMs && receivedAtMs <= endedAtMs)
    .map((one) => `${tell(one)}: ${one.sentAtMs - beganAtMs} ms after the fault began`);
}

/** A measured BLOCK stands until the bound after its measurement; held, it is held until that very instant. */
export function wronglyHeld({ sightings, evaluations }: Story, boundMs: number): readonly string[] {
  const measured = evaluations.filter(({ reasonCodes }) => reasonCodes.includes('rule_triggered'));
  return sightings.flatMap((one) => {
    const last = measured.findLast(({ evaluatedAtMs }) => evaluatedAtMs <= one.evaluatedAtMs);
    if (last === undefined) return [];
    const openedEarly = one.answer.decision !== 'BLOCK' && one.receivedAtMs < last.evaluatedAtMs + boundMs;
    const heldLate = one.answer.reasonCodes.includes('held') && one.sentAtMs > last.evaluatedAtMs + boundMs;
    return [...(openedEarly ? [`${tell(one)}: opened early`] : []), ...(heldLate ? [`${tell(one)}: held late`] : [])];
  });
}

/**
 * One of the first two evaluations after a fault's end is what the service deserves. Those that a busy machine had no
 * time to answer do not count.
 */
export function lateRecovery({ evaluations }: Story, wellFromMs: number, well: string): readonly string[] {
  const told = evaluations
    .filter(({ evaluatedAtMs, reasons }) => evaluatedAtMs >= wellFromMs && !reasons.some(isTimeout))
    .slice(0, 2)
    .map(({ decision, reasonCodes }) => `${decision} ${reasonCodes.join()}`);
  return told.includes(well) ? [] : [`${told.join(', then ')} in place of ${well}`];
}

function isTimeout(reason: string): boolean {
  return reason.startsWith('query failed: ') && reason.includes(' timeout: ');
}

const spanMs = 10_000;

/** In any ten seconds, at most four times the requests of healthy SLOs, and five a second more. */
export function storms(requests: readonly HandledRequest[], slos: number, intervalMs: number): readonly string[] {
  const most = (4 * slos * spanMs) / intervalMs + (5 * spanMs) / 1000;
  return requests.flatMap(({ atMs }, index) => {
    const after = requests[index + Math.floor(most)];
    return after !== undefined && after.atMs - atMs < spanMs ? [`over ${most} requests within ${spanMs} ms`] : [];
  });
}

/** The most memory that the process ever had, in megabytes. */
export function peakMemory(gate: GateServer): number {
  const status = readFileSync(`/proc/${gate.process().pid ?? 0}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** What the two SLOs of a row are told in a fault that lasts. */
export function isExpected(row: { readonly cause: string; readonly measured?: true }) {
  return {
    healthy: ({ reasons, reasonCodes }: Answer) =>
      reasons.join('; ').includes(row.cause) && !reasonCodes.includes('overdue'),
    burning: ({ reasonCodes }: Answer) =>
      reasonCodes.includes('rule_triggered') === (row.measured === true) && !reasonCodes.includes('held'),
  };
}

/** The last answer, once the fault has lasted beyond every bound, that is as expected; the last of all if none is. */
export function settled(
  { sightings }: Story,
  { beganAtMs, endedAtMs }: Episode,
  boundMs: number,
  isExpected: (answer: Answer) => boolean,
): Answer {
  const late = sightings
    .filter(({ evaluatedAtMs, receivedAtMs }) => evaluatedAtMs >= beganAtMs + boundMs && receivedAtMs <= endedAtMs)
    .map(({ answer }) => answer);
  const last = late.findLast(isExpected) ?? late.at(-1);
  if (last === undefined) throw new Error('no answer was seen that late in the fault');
  return last;
}

/** The requests of some SLOs. */
export function requestsOf(requests: readonly HandledRequest[], sloIds: readonly string[]): readonly HandledRequest[] {
  return requests.filter(({ parameters }) => sloIds.includes(askedFor(parameters.get('query')) ?? ''));
}

/** The gate asks of the instant that it names in its answer. */
function evaluatedAtOf({ parameters }: HandledRequest): number {
  return Math.round(Number(parameters.get('time')) * 1000);
}

function isAllow({ answer }: Sighting): boolean {
  return answer.decision === 'ALLOW';
}

function tell({ answer }: Sighting): string {
  return `${answer.decision} of ${answer.timestamp}`;
}
