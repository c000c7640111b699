import { eventually } from '../../support/eventually.ts';
import type { GateServer } from '../../support/gate-server.ts';
import type { Health } from './service.ts';
import type { Sighting, Watch } from './watch.ts';

/** One fault from its beginning to its end, as the client of a gate saw it. Instants are epoch milliseconds. */
export interface Episode {
  readonly beganAtMs: number;
  /** Until then it surely lasted. */
  readonly endedAtMs: number;
  /** From then on nothing hinders a complete, fresh measurement. */
  readonly wellFromMs: number;
}

/** What an evaluation left in the audit. */
export interface Audited {
  readonly evaluationID: string;
  readonly decision: string;
  readonly reasonCodes: readonly string[];
  readonly reasons: readonly string[];
  readonly evaluatedAtMs: number;
}

/** Everything that is known of one SLO after its gate lived through a fault, or several. */
export interface Story {
  readonly sightings: readonly Sighting[];
  /** Oldest first. */
  readonly evaluations: readonly Audited[];
}

/** `sinceMs`: of sightings from then on. */
export async function storyOf(gate: GateServer, watched: Watch, id: string, sinceMs = 0): Promise<Story> {
  const sightings = watched.of(id).filter(({ sentAtMs }) => sentAtMs >= sinceMs);
  const last = sightings.at(-1)?.answer.evaluationID;
  const evaluations = await eventually(async () => {
    const { body } = await gate.get(`/v1/audit?sloID=${id}&limit=1000`);
    const { records } = body as { records: (Omit<Audited, 'evaluatedAtMs'> & { timestamp: string })[] };
    if (!records.some(({ evaluationID }) => evaluationID === last)) throw new Error(`${id}: ${last} is not stored yet`);
    return records.map((one) => ({ ...one, evaluatedAtMs: Date.parse(one.timestamp) })).reverse();
  });
  return { sightings, evaluations };
}

/** A bound that no test waits for unless something is broken. */
const patienceMs = 120_000;

/** Waits until each SLO was seen with an evaluation of this instant or later. */
export function untilSeen(watched: Watch, sloIds: readonly string[], fromMs: number): Promise<void> {
  return untilEach(sloIds, (id) => lastOf(watched, id).evaluatedAtMs >= fromMs);
}

/** Waits until each SLO was seen to be what it is without a fault, by an evaluation of this instant or later. */
export function untilWell(watched: Watch, sloIds: readonly string[], fromMs: number): Promise<void> {
  return untilEach(sloIds, (id) =>
    watched.of(id).some(({ evaluatedAtMs, answer }) => evaluatedAtMs >= fromMs && isWell(id, answer)),
  );
}

/** A service that is well is let through, and one that burns is not, because it was measured to burn. */
function isWell(id: string, { decision, reasonCodes }: Pick<Audited, 'decision' | 'reasonCodes'>): boolean {
  return `${decision} ${reasonCodes.join()}` === (id.endsWith('.healthy') ? 'ALLOW ok' : burns);
}

const burns = 'BLOCK rule_triggered,rule_triggered';

export const wellAnswers: Readonly<Record<Health, string>> = { healthy: 'ALLOW ok', burning: burns };

function lastOf(watched: Watch, id: string): Sighting {
  const last = watched.of(id).at(-1);
  if (last === undefined) throw new Error(`${id} was not seen yet`);
  return last;
}

async function untilEach(sloIds: readonly string[], holds: (id: string) => boolean): Promise<void> {
  await eventually(() => {
    const waiting = sloIds.filter((id) => !holds(id));
    if (waiting.length > 0) throw new Error(`still not seen: ${waiting.join(', ')}`);
  }, patienceMs);
}
