import type { MeasureRequest, QueryRole, Reading } from '../../eval/measurement.ts';
import type { Clock } from '../../clock.ts';
import type { Client, Outcome } from './client.ts';
import type { RequestFailure } from './failure.ts';
import type { QueryPlan } from './query-plan.ts';
import type { RequestBudget } from './request-budget.ts';
import type { SplitMemory } from './split-memory.ts';
import { inquiriesFor, splitByGroup, type Inquiry } from './union.ts';

export interface Tools {
  readonly client: Client;
  readonly memory: SplitMemory;
  readonly budget: RequestBudget;
  readonly clock: Clock;
  /** Attempts at one request, 1 or 2. */
  readonly attempts: number;
}

/** What the source said of each part of a plan, and beside it. */
export interface Answers {
  readonly readings: ReadonlyMap<string, Reading>;
  readonly clockSkewMs: number | null;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** A moment for a source that restarts, or a connection that was closed as it was used. */
const beforeRepetitionMs = 200;

/** Asks all parts of a plan: one union where the source answers that, its parts where it does not. */
export async function askAll(
  plan: QueryPlan,
  request: MeasureRequest,
  tools: Tools,
  signal: AbortSignal,
): Promise<Answers> {
  const { slo } = request;
  const { memory, budget } = tools;
  const collected = new Collection();
  const advice = memory.adviceFor(slo);
  const inquiries = inquiriesFor(plan.units, advice.alone);

  const ask = (inquiry: Inquiry) => tools.client.ask(inquiry, request, signal);
  const askFirst = (inquiry: Inquiry) => {
    budget.first();
    return ask(inquiry);
  };

  /** Each group of a union by itself, once; this takes the place of the union's second attempt. */
  const askParts = async (inquiry: Inquiry, attempts: number, lasting: boolean) => {
    const parts = splitByGroup(plan.units, inquiry.groups);
    const failed = new Set<string>();
    await Promise.all(
      parts.map(async (part) => {
        if (!collected.add(part, await ask(part), attempts)) for (const group of part.groups) failed.add(group);
      }),
    );
    // An evaluation that ran out of time has learnt nothing.
    if (signal.aborted) return;
    const succeeded = inquiry.groups.filter((group) => !failed.has(group));
    memory.wasSplit(slo, { failed: [...failed], succeeded, heaviest: heaviest(request, inquiry.groups), lasting });
  };

  const askOne = async (inquiry: Inquiry) => {
    const isUnion = inquiry.groups.length > 1;
    const extra = () => splitByGroup(plan.units, inquiry.groups).length;
    if (isUnion && advice.splitFirst && budget.takeExtra(extra() - 1)) {
      budget.first();
      await askParts(inquiry, 1, true);
      return;
    }
    const outcome = await askFirst(inquiry);
    const remedy = remedyFor(outcome, isUnion && advice.maySplit);
    if (tools.attempts > 1 && !signal.aborted) {
      if (remedy === 'split' && budget.takeExtra(extra())) {
        await askParts(inquiry, 2, outcome.kind === 'failed' && outcome.failure.refused);
        return;
      }
      if (remedy === 'repeat' && budget.takeExtra(1)) {
        await tools.clock.sleep(beforeRepetitionMs, signal);
        const second = await ask(inquiry);
        collected.add(inquiry, keepCause(outcome, second), 2);
        if (isUnion && second.kind === 'answer') memory.unionAnswered(slo);
        return;
      }
    }
    collected.add(inquiry, outcome, 1);
    if (isUnion && outcome.kind === 'answer') memory.unionAnswered(slo);
    if (isUnion && isTimeout(outcome)) memory.unionTimedOut(slo);
  };

  await Promise.all(inquiries.map(askOne));
  return collected;
}

function isTimeout(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.failure.reason === 'timeout' && outcome.failure.asked;
}

function remedyFor(outcome: Outcome, canSplit: boolean): RequestFailure['remedy'] {
  if (outcome.kind === 'answer') {
    const isWhole = [...outcome.parts.values()].every(({ kind }) => kind === 'values');
    return isWhole ? 'none' : canSplit ? 'split' : 'none';
  }
  const { remedy, refused } = outcome.failure;
  if (remedy !== 'split' || canSplit) return remedy;
  // What cannot be split is repeated, unless the source refuses the query as such.
  return refused ? 'none' : 'repeat';
}

/** Where the repetition only ran out of time, the first attempt says more. */
function keepCause(first: Outcome, second: Outcome): Outcome {
  return isTimeout(second) && first.kind === 'failed' ? first : second;
}

function heaviest({ windows }: MeasureRequest, groups: readonly string[]): string | undefined {
  const asked = windows.filter(({ name }) => groups.includes(name)).toSorted((a, b) => b.lengthMs - a.lengthMs);
  return asked[0]?.name;
}

/** Gathers the answers of the requests of one evaluation. */
class Collection implements Answers {
  readonly readings = new Map<string, Reading>();
  readonly warnings: string[] = [];
  readonly infos: string[] = [];
  clockSkewMs: number | null = null;

  /** Whether every part of the inquiry has its values. */
  add(inquiry: Inquiry, outcome: Outcome, attempts: number): boolean {
    let whole = true;
    for (const { tag, role } of inquiry.parts) {
      const reading = readingOf(outcome, tag, role, attempts);
      this.readings.set(tag, reading);
      whole &&= reading.kind === 'series';
    }
    if (outcome.kind === 'answer') this.#remark(outcome);
    return whole;
  }

  #remark({ warnings, infos, clockSkewMs }: Extract<Outcome, { kind: 'answer' }>): void {
    this.warnings.push(...warnings.filter((text) => !this.warnings.includes(text)));
    this.infos.push(...infos.filter((text) => !this.infos.includes(text)));
    if (clockSkewMs !== null && Math.abs(clockSkewMs) >= Math.abs(this.clockSkewMs ?? 0))
      this.clockSkewMs = clockSkewMs;
  }
}

function readingOf(outcome: Outcome, tag: string, role: QueryRole, attempts: number): Reading {
  if (outcome.kind === 'failed') {
    const { reason, detail, asked } = outcome.failure;
    return { kind: 'failed', failure: { role, reason, detail, attempts: asked ? attempts : attempts - 1 } };
  }
  const part = outcome.parts.get(tag);
  if (part?.kind === 'values') return { kind: 'series', values: part.values };
  const detail = part?.detail ?? 'the answer lacks this part';
  return { kind: 'failed', failure: { role, reason: 'malformed', detail, attempts } };
}
