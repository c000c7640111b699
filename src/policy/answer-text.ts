import type { Decision } from '../slo/decision.ts';
import { answerOf, standingOf } from './answer.ts';
import type { Evaluation, Served } from './decision-source.ts';

/** An answer, ready to be sent. */
export interface AnswerText {
  readonly decision: Decision;
  /** JSON: `answerOf`, written out. */
  readonly text: string;
}

/** The text of an answer with a gap where the age stands. */
interface Rendered {
  readonly decision: Decision;
  readonly beforeAge: string;
  readonly afterAge: string;
}

/** At most two an evaluation: while a BLOCK of it holds, and from then on. They go with their evaluation. */
const held = new WeakMap<Evaluation, Rendered>();
const notHeld = new WeakMap<Evaluation, Rendered>();

/**
 * `answerOf` as text, rendered once an evaluation: until the answer changes by time alone, only the age is put in. An
 * overdue one is written out each time, as its reason tells the age; so is that of an evaluation made for its request.
 */
export function answerText(served: Served): AnswerText {
  const { evaluation, ageMs } = served;
  const { isHeld, isOverdue } = standingOf(served);
  if (isOverdue || served.audited !== undefined) {
    const answer = answerOf(served);
    return { decision: answer.decision, text: JSON.stringify(answer) };
  }
  const kept = isHeld ? held : notHeld;
  let rendered = kept.get(evaluation);
  if (rendered === undefined) {
    rendered = render(served);
    kept.set(evaluation, rendered);
  }
  const { decision, beforeAge, afterAge } = rendered;
  return { decision, text: `${beforeAge}${Math.round(ageMs) / 1000}${afterAge}` };
}

function render(served: Served): Rendered {
  const answer = answerOf(served);
  const fields = Object.entries(answer);
  const at = fields.findIndex(([name]) => name === 'age');
  const before = JSON.stringify(Object.fromEntries(fields.slice(0, at)));
  const after = JSON.stringify(Object.fromEntries(fields.slice(at + 1)));
  return {
    decision: answer.decision,
    beforeAge: `${before.slice(0, -1)},"age":`,
    afterAge: `,${after.slice(1)}`,
  };
}
