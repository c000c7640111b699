import { decisions, type Decision } from '../slo/decision.ts';
import type { Judged } from './judge.ts';

/** What is asked of the server. */
export type Question =
  | { readonly kind: 'slo'; readonly sloId: string; readonly fresh: boolean }
  | { readonly kind: 'state'; readonly service: string; readonly environment: string };

export interface GateAnswer extends Judged {
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  /** Of the SLOs of a state. */
  readonly decisions: readonly (readonly [sloId: string, decision: Decision])[];
  readonly filesInError: readonly string[];
  readonly sliValue: number | null;
  readonly budgetRemaining: number | null;
  readonly ageSeconds: number | null;
  /** As the server sent it. */
  readonly body: Readonly<Record<string, unknown>>;
}

export function nameOf(question: Question): string {
  return question.kind === 'slo' ? question.sloId : `${question.service}/${question.environment}`;
}

/** Reads the body of a 200. A text: why it is no answer to the question. */
export function readAnswer(text: string, question: Question): GateAnswer | string {
  const body = parseObject(text);
  if (body === undefined) return 'it is not a JSON object';
  const decision = decisions.find((known) => known === body.decision);
  if (decision === undefined) return `its decision is ${short(body.decision)}`;
  const stranger = isAbout(body, question);
  if (stranger !== null) return stranger;
  // A state has no reasons of its own, the original server no codes; where they stand they have to be what they are.
  const reasons = texts(body.reasons, question.kind === 'state');
  const reasonCodes = texts(body.reasonCodes, true);
  if (reasons === undefined) return `its reasons are ${short(body.reasons)}`;
  if (reasonCodes === undefined) return `its reasonCodes are ${short(body.reasonCodes)}`;
  const sli = isObject(body.sli) ? body.sli : {};
  return {
    decision,
    reasons,
    reasonCodes,
    notes: texts(body.notes, true) ?? [],
    decisions: decisionsOf(body.decisions),
    filesInError: texts(body.filesInError, true) ?? [],
    sliValue: numberOrNull(sli.value),
    budgetRemaining: numberOrNull(sli.budgetRemaining),
    ageSeconds: numberOrNull(body.age),
    body,
  };
}

/** What the server says in an answer that is an error; undefined where it is none of ours. */
export function readError(text: string): string | undefined {
  const error = parseObject(text)?.error;
  return typeof error === 'string' && error !== '' ? error : undefined;
}

function isAbout(body: Readonly<Record<string, unknown>>, question: Question): string | null {
  const expected =
    question.kind === 'slo'
      ? { sloID: question.sloId }
      : { service: question.service, environment: question.environment };
  for (const [field, value] of Object.entries(expected)) {
    if (body[field] !== value) return `it is about another ${field}: ${short(body[field])}`;
  }
  return null;
}

/** A JSON object; undefined for any other text. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function texts(value: unknown, mayBeAbsent: boolean): readonly string[] | undefined {
  if (value === undefined && mayBeAbsent) return [];
  if (!Array.isArray(value)) return undefined;
  const all = value.filter((item): item is string => typeof item === 'string');
  return all.length === value.length ? all : undefined;
}

function decisionsOf(value: unknown): GateAnswer['decisions'] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([sloId, said]) => {
    const decision = decisions.find((known) => known === said);
    return decision === undefined ? [] : [[sloId, decision] as const];
  });
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function short(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
