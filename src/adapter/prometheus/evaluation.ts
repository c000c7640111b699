import type { MeasureRequest } from '../../eval/measurement.ts';
import type { Clock } from '../../clock.ts';
import type { Client, Outcome } from './client.ts';
import type { RequestFailure } from './failure.ts';
import type { Collection } from './collection.ts';
import type { Unit } from './part.ts';
import type { RequestBudget } from './request-budget.ts';
import type { SplitMemory } from './split-memory.ts';
import { inquiriesFor, splitByGroup, type Inquiry } from './union.ts';

export interface Tools {
  readonly ask: Client['ask'];
  readonly memory: SplitMemory;
  readonly budget: RequestBudget;
  readonly clock: Clock;
  /** Attempts at one request, 1 or 2. */
  readonly attempts: number;
}

/** A moment for a source that restarts, or a connection that was closed as it was used. */
const beforeRepetitionMs = 200;

/** Asks all units: one union where the source answers that, its parts where it does not. Never rejects. */
export async function askAll(
  units: readonly Unit[],
  request: MeasureRequest,
  tools: Tools,
  collected: Collection,
  signal: AbortSignal,
): Promise<void> {
  const { slo } = request;
  const { memory, budget } = tools;
  const advice = memory.adviceFor(slo);

  const ask = (inquiry: Inquiry) => tools.ask(inquiry, request, signal);
  const askFirst = (inquiry: Inquiry) => {
    budget.first();
    return ask(inquiry);
  };

  /** Each group of a union by itself, once; this takes the place of the union's second attempt. */
  const askParts = async (inquiry: Inquiry, attempts: number, lasting: boolean) => {
    const parts = splitByGroup(units, inquiry.groups);
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
    const extra = () => splitByGroup(units, inquiry.groups).length;
    if (isUnion && advice.splitFirst && budget.takeExtra(extra() - 1)) {
      budget.first();
      await askParts(inquiry, 1, true);
      return;
    }
    const outcome = await askFirst(inquiry);
    const remedy = remedyFor(outcome, !isUnion ? 'repeat' : advice.maySplit ? 'split' : 'none');
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

  await Promise.all(inquiriesFor(units, advice.alone).map(askOne));
}

function isTimeout(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.failure.reason === 'timeout' && outcome.failure.asked;
}

/** `insteadOfSplit` is what to do where the failure calls for a split: a single window cannot be split. */
function remedyFor(outcome: Outcome, insteadOfSplit: RequestFailure['remedy']): RequestFailure['remedy'] {
  if (outcome.kind === 'answer') {
    const isWhole = [...outcome.parts.values()].every(({ kind }) => kind === 'values');
    return isWhole ? 'none' : insteadOfSplit;
  }
  const { remedy, refused } = outcome.failure;
  if (remedy !== 'split' || insteadOfSplit === 'split') return remedy;
  // What cannot be split is repeated, unless the source refuses the query as such.
  return refused ? 'none' : insteadOfSplit;
}

/** Where the repetition only ran out of time, the first attempt says more. */
function keepCause(first: Outcome, second: Outcome): Outcome {
  return isTimeout(second) && first.kind === 'failed' ? first : second;
}

function heaviest({ windows }: MeasureRequest, groups: readonly string[]): string | undefined {
  const asked = windows.filter(({ name }) => groups.includes(name)).toSorted((a, b) => b.lengthMs - a.lengthMs);
  return asked[0]?.name;
}
