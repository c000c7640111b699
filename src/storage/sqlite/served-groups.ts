import type { ServedDecision } from '../ports.ts';

/** Answers that differ in nothing but their request and its instant: one row of `served_decisions`. */
export interface ServedGroup {
  /** Groups are numbered in their order. */
  readonly serial: number;
  /** The first of them. */
  readonly record: ServedDecision;
  readonly lastAtMs: number;
  /** Of each answer, in their order. */
  readonly requestIds: readonly string[];
  /** Of each answer, milliseconds after the first. */
  readonly offsetsMs: readonly number[];
}

/** Groups answers as they come, at a cost that a request does not feel. */
export interface ServedGroups {
  add(decision: ServedDecision): void;
  /** Groups that were not taken yet. */
  length(): number;
  /** Answers in them. */
  answers(): number;
  /** Takes out the groups; answers that come later begin others. */
  take(): readonly ServedGroup[];
}

/** A page of a thousand rows stays a few megabytes. */
const largestGroup = 100;
/** How far apart the first and the last answer of a row are at most: pages look back so far for what a time is in. */
export const groupSpanMs = 250;

interface OpenGroup extends ServedGroup {
  lastAtMs: number;
  readonly requestIds: string[];
  readonly offsetsMs: number[];
}

export function createServedGroups(): ServedGroups {
  let groups: OpenGroup[] = [];
  const byKey = new Map<string, OpenGroup>();
  let last: OpenGroup | undefined;
  let answers = 0;
  let serial = 0;

  function begin(key: string, record: ServedDecision): OpenGroup {
    const group = { serial: serial++, record, lastAtMs: record.atMs, requestIds: [], offsetsMs: [] };
    byKey.set(key, group);
    groups.push(group);
    return group;
  }

  return {
    add(decision) {
      answers++;
      // Mostly it is the one before: then no key is made.
      if (last === undefined || !isLike(last.record, decision) || !hasRoom(last, decision.atMs)) {
        const key = keyOf(decision);
        const known = byKey.get(key);
        last = known !== undefined && hasRoom(known, decision.atMs) ? known : begin(key, decision);
      }
      last.lastAtMs = decision.atMs;
      last.requestIds.push(decision.requestId);
      last.offsetsMs.push(decision.atMs - last.record.atMs);
    },
    length: () => groups.length,
    answers: () => answers,
    take() {
      const taken = groups;
      groups = [];
      byKey.clear();
      last = undefined;
      answers = 0;
      return taken;
    },
  };
}

/** A clock that was set back begins another group: within one, instants rise. */
function hasRoom({ requestIds, lastAtMs, record }: OpenGroup, atMs: number): boolean {
  return requestIds.length < largestGroup && atMs >= lastAtMs && atMs - record.atMs <= groupSpanMs;
}

function isLike(one: ServedDecision, other: ServedDecision): boolean {
  return (
    one.evaluationId === other.evaluationId &&
    one.decision === other.decision &&
    one.wasForced === other.wasForced &&
    one.sloId === other.sloId &&
    one.address === other.address &&
    one.caller === other.caller
  );
}

/** Of what comes before the caller, nothing has a line break. */
function keyOf({ evaluationId, decision, wasForced, sloId, address, caller }: ServedDecision): string {
  return `${evaluationId}\n${decision}\n${wasForced}\n${sloId}\n${address}\n${caller}`;
}
