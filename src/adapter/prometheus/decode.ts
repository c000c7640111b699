import { partLabel, type Inquiry } from './union.ts';

/** The values of one part, or what is wrong with its samples. */
export type PartValues =
  | { readonly kind: 'values'; readonly values: readonly number[] }
  | { readonly kind: 'malformed'; readonly detail: string };

export type Decoded =
  | {
      readonly kind: 'answer';
      /** By tag; every part of the inquiry is in it. */
      readonly parts: ReadonlyMap<string, PartValues>;
      readonly warnings: readonly string[];
      readonly infos: readonly string[];
    }
  /** `status: error`, in the source's words. */
  | { readonly kind: 'error'; readonly errorType: string; readonly message: string }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Reads the body of an answer of `/api/v1/query`. Nothing that is not surely a number becomes one. */
export function decodeAnswer(body: string, inquiry: Inquiry, evaluatedAtMs: number): Decoded {
  const answer = parseJson(body);
  if (!isRecord(answer)) return malformed(`the answer is not a JSON object: ${excerpt(body)}`);
  if (answer.status === 'error') return readError(answer);
  if (answer.status !== 'success') return malformed('the answer has no status');
  if (!isRecord(answer.data)) return malformed('the answer has no data');
  const { resultType, result } = answer.data;
  const samples = samplesOf(resultType, result, inquiry);
  if (typeof samples === 'string') return malformed(samples);
  const parts = new Map<string, Collected>(inquiry.parts.map(({ tag }) => [tag, { values: [], labels: new Set() }]));
  for (const sample of samples) {
    const tag = inquiry.tagged ? sample.metric[partLabel] : inquiry.parts[0]?.tag;
    const part = typeof tag === 'string' ? parts.get(tag) : undefined;
    if (part === undefined) return malformed('the answer has a series that was not asked for');
    part.fault ??= addSample(part, sample, evaluatedAtMs);
  }
  return {
    kind: 'answer',
    parts: new Map([...parts].map(([tag, part]) => [tag, finished(part)])),
    ...remarksOf(answer),
  };
}

interface Sample {
  readonly metric: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

interface Collected {
  readonly values: number[];
  readonly labels: Set<string>;
  fault?: string | undefined;
}

function finished({ values, fault }: Collected): PartValues {
  return fault === undefined ? { kind: 'values', values } : { kind: 'malformed', detail: fault };
}

/** The samples, or what is wrong. Only a part that stands by itself can be a scalar. */
function samplesOf(resultType: unknown, result: unknown, { tagged }: Inquiry): readonly Sample[] | string {
  if (resultType === 'scalar' && !tagged) return [{ metric: {}, value: result }];
  if (resultType !== 'vector') return `the result is of type ${excerpt(String(resultType))}, not a vector`;
  if (!Array.isArray(result)) return 'the result is not a list';
  const samples: Sample[] = [];
  for (const one of result as readonly unknown[]) {
    if (!isRecord(one) || !isRecord(one.metric)) return 'a series has no labels';
    samples.push({ metric: one.metric, value: one.value });
  }
  return samples;
}

// A source may round the instant, or move it by its own latency offset; an answer of another minute is a stale copy.
const instantToleranceMs = 60_000;

/** Adds a sample's value; returns what is wrong with it. */
function addSample(part: Collected, { metric, value }: Sample, evaluatedAtMs: number): string | undefined {
  if (!Array.isArray(value) || value.length !== 2) return 'a series has no value';
  const [instant, text] = value as readonly unknown[];
  if (typeof instant !== 'number') return 'a sample has no instant';
  if (Math.abs(instant * 1000 - evaluatedAtMs) > instantToleranceMs) return 'a sample is of another instant than asked';
  const number = numberOf(text);
  if (number === undefined) return `a value is not a number text: ${excerpt(JSON.stringify(text))}`;
  const labels = JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (part.labels.has(labels)) return 'a series comes twice';
  part.labels.add(labels);
  part.values.push(number);
  return undefined;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const special: Readonly<Record<string, number>> = { NaN, Inf: Infinity, '+Inf': Infinity, '-Inf': -Infinity };

function numberOf(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  if (Object.hasOwn(special, text)) return special[text];
  return decimal.test(text) ? Number(text) : undefined;
}

const longestRemark = 300;
const mostRemarks = 20;

/** Prometheus' `warnings` and `infos`, and VictoriaMetrics' `isPartial`. Version 2 puts infos among the warnings. */
function remarksOf(answer: Readonly<Record<string, unknown>>): { warnings: string[]; infos: string[] } {
  const isInfo = (text: string) => text.startsWith('PromQL info:');
  const said = textsIn(answer.warnings);
  const partial = answer.isPartial === undefined || answer.isPartial === false ? [] : ['isPartial is set'];
  return {
    warnings: [...said.filter((text) => !isInfo(text)), ...partial],
    infos: [...said.filter(isInfo), ...textsIn(answer.infos)],
  };
}

/** What is neither absent nor a list of texts is passed on as it is: nobody knows that it is harmless. */
function textsIn(field: unknown): string[] {
  if (field === undefined || field === null) return [];
  const all: readonly unknown[] = Array.isArray(field) ? field : [field];
  return all
    .slice(0, mostRemarks)
    .map((one) => excerpt(typeof one === 'string' ? one : JSON.stringify(one), longestRemark));
}

function readError(answer: Readonly<Record<string, unknown>>): Decoded {
  const text = (field: unknown, otherwise: string) => (typeof field === 'string' && field !== '' ? field : otherwise);
  return {
    kind: 'error',
    errorType: excerpt(text(answer.errorType, 'error')),
    message: excerpt(text(answer.error, 'without a message'), longestRemark),
  };
}

function malformed(detail: string): Decoded {
  return { kind: 'malformed', detail };
}

/** The beginning of a foreign text, on one line. */
export function excerpt(text: string, length = 60): string {
  const oneLine = text
    .slice(0, length + 1)
    .replace(/[\s\u0000-\u001f\u007f]+/g, ' ')
    .trim();
  return oneLine.length > length ? `${oneLine.slice(0, length)}…` : oneLine === '' ? 'nothing' : oneLine;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
