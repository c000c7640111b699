import { elapsedMs, type Instant } from '../clock.ts';
import type { Evaluation, MeasuredBlock } from '../policy/decision-source.ts';
import type { BlockingRule, Verdict } from '../policy/gate-result.ts';

/** What an evaluation blocks by, as the policy is told of it at a later instant. */
export function blockingAt(blocks: readonly MeasuredBlock[], at: Instant): readonly BlockingRule[] {
  return blocks.map(({ rule, reason, measuredAt }) => ({ rule, reason, ageMs: elapsedMs(measuredAt, at) }));
}

/**
 * What a verdict blocks by: a rule that it measured itself, or one of `previous`, which was told of `before`, the blocks
 * of an evaluation before. Instants are kept, not ages: a clock that is set forward and back again makes nothing old.
 */
export function blocksOf(
  { blocking }: Verdict,
  previous: readonly BlockingRule[],
  before: readonly MeasuredBlock[],
  evaluatedAt: Instant,
): readonly MeasuredBlock[] {
  return blocking.map((block) => {
    const { rule, reason } = block;
    return { rule, reason, measuredAt: before[previous.indexOf(block)]?.measuredAt ?? evaluatedAt };
  });
}

/** How old the youngest BLOCK is that an evaluation holds; undefined where it holds none. */
export function heldBlockAgeMs({ result, blocks, evaluatedAt }: Evaluation, now: Instant): number | undefined {
  if (result.heldBlockAgeMs === undefined) return undefined;
  const held = blocks.filter(({ measuredAt }) => measuredAt !== evaluatedAt);
  return Math.min(...held.map(({ measuredAt }) => elapsedMs(measuredAt, now)));
}
