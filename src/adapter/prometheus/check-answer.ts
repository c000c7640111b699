import type { Failure, QueryRole, Reading } from '../../eval/measurement.ts';

export type ReadingOf = (tag: string) => Reading | undefined;

/** The one number that a check answers with; undefined where it has no series. */
export type CheckAnswer =
  | { readonly kind: 'number'; readonly value: number | undefined }
  | { readonly kind: 'failed'; readonly failure: Failure };

// Both sides round instants to milliseconds.
const roundingError = 0.01;

/** Counts, ages and instants are finite and not negative; anything else is an answer to distrust. */
export function checkAnswer(role: QueryRole, reading: Reading | undefined): CheckAnswer {
  if (reading === undefined) return { kind: 'number', value: undefined };
  if (reading.kind === 'failed') return reading;
  const [value] = reading.values;
  if (value === undefined) return { kind: 'number', value };
  if (Number.isFinite(value) && value >= -roundingError) return { kind: 'number', value: Math.max(0, value) };
  const detail = `the answer is ${value}, which is no count, age or instant`;
  return { kind: 'failed', failure: { role, reason: 'malformed', detail, attempts: 1 } };
}

/** The answers of several checks as numbers, absent where there is no series; or the first failure. */
export function checkAnswers<Name extends string>(
  role: QueryRole,
  names: readonly Name[],
  readingOf: (name: Name) => Reading | undefined,
): Numbers<Name> | Extract<CheckAnswer, { kind: 'failed' }> {
  const of: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const answer = checkAnswer(role, readingOf(name));
    if (answer.kind === 'failed') return answer;
    if (answer.value !== undefined) of[name] = answer.value;
  }
  return { kind: 'numbers', of };
}

interface Numbers<Name extends string> {
  readonly kind: 'numbers';
  readonly of: Readonly<Partial<Record<Name, number>>>;
}
