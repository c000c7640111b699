import { partLabel } from '../../../src/adapter/prometheus/union.ts';
import type { AnsweredFault } from '../../support/faults.ts';
import type { FaultyWhen } from '../../support/fault-proxy.ts';

/** One way in which the answers of a metrics source go wrong. */
export interface AnswerRow extends Pick<FaultyWhen, 'when' | 'delayMs' | 'spoils'> {
  readonly title: string;
  readonly fault: AnsweredFault;
  /** The reason code that an SLO without errors gets. */
  readonly code: string;
  /** What the reason says of the cause. */
  readonly cause: string;
  /** The rules can still be measured, so that a BLOCK goes on by measurement. */
  readonly measured?: true;
}

const failed = (title: string, fault: AnsweredFault, cause: string, more: Partial<AnswerRow> = {}): AnswerRow => ({
  title,
  fault,
  code: 'query_failed',
  cause,
  ...more,
});
const noData = (title: string, fault: AnsweredFault): AnswerRow => ({
  title,
  fault,
  code: 'missing_total',
  cause: 'insufficient data (zero traffic)',
  spoils: (labels) => /^(good|total):/.test(labels[partLabel] ?? ''),
});
const doubtful = (title: string, fault: AnsweredFault, code: string, cause: string): AnswerRow => ({
  title,
  fault,
  code,
  cause,
  measured: true,
});

const late: readonly AnswerRow[] = [
  failed('accepts a request, never answers', 'silent', 'timeout: no answer within 2.5s'),
  failed('first byte after the timeout', 'slow', 'timeout: no answer within 2.5s', { delayMs: 8_000 }),
  failed('a byte each 50 ms, without end', 'trickle', 'timeout: no answer within 2.5s'),
];

const wrong: readonly AnswerRow[] = [
  failed('connection reset before a byte', 'reset', 'unreachable: connection closed'),
  failed('connection reset in the middle', 'truncated', 'unreachable: connection closed in the middle of the answer'),
  failed('HTTP 400', 'http-400', 'bad-query: HTTP 400 Bad Request'),
  failed('HTTP 401', 'http-401', 'auth: HTTP 401 Unauthorized'),
  failed('HTTP 403', 'http-403', 'auth: HTTP 403 Forbidden'),
  failed('HTTP 404', 'http-404', 'server: HTTP 404 Not Found'),
  failed('HTTP 429 without `Retry-After`', 'http-429', 'rate-limited: HTTP 429 Too Many Requests'),
  failed('HTTP 500', 'http-500', 'server: HTTP 500 Internal Server Error'),
  failed('HTTP 502', 'http-502', 'server: HTTP 502 Bad Gateway'),
  failed('HTTP 503', 'http-503', 'server: HTTP 503 Service Unavailable'),
  failed('redirects to itself', 'redirect-loop', 'server: HTTP 302 Found: redirects are not followed'),
  failed('HTML of a sign-in page', 'html', 'malformed: the answer is not a JSON object: <html>'),
  failed('JSON cut short', 'broken-json', 'malformed: the answer is not a JSON object'),
  failed('empty body', 'empty-body', 'malformed: the answer is not a JSON object: nothing'),
  failed('`null`', 'json-null', 'malformed: the answer is not a JSON object: null'),
  failed('a matrix in place of a vector', 'wrong-type', 'malformed: the result is of type matrix'),
  failed('success without data', 'no-data-field', 'malformed: the answer has no data'),
  failed('`status: error` with HTTP 200', 'status-error', 'bad-query: execution: query is too hard'),
  failed('a series without a value', 'missing-value', 'malformed: a series has no value'),
  failed('a value that is a JSON number', 'number-value', 'malformed: a value is not a number text: 100'),
  failed('a value that is `""`', 'empty-value', 'malformed: a value is not a number text: ""'),
  failed('a value that is `null`', 'null-value', 'malformed: a value is not a number text: null'),
  failed('a value that is `100abc`', 'junk-value', 'malformed: a value is not a number text: "100abc"'),
  failed('negative values', 'negative', 'malformed: a series has the negative value -5'),
  failed('each series twice', 'duplicate-series', 'malformed: a series comes twice'),
  noData('NaN in good and total', 'nan'),
  noData('+Inf in good and total', 'inf'),
  noData('-Inf in good and total', 'minus-inf'),
  noData('no series', 'no-series'),
  doubtful(
    '`warnings` of a partial answer',
    'warnings',
    'partial',
    'partial data: store 10.0.0.7:10901 did not answer',
  ),
  doubtful('`isPartial`', 'is-partial', 'partial', 'partial data: isPartial is set'),
  doubtful('warning about the query', 'promql-warning', 'partial', 'query warning: bucket label "le" is missing'),
  doubtful('clock half an hour slow', 'slow-clock', 'clock_skew', 'against the metrics source'),
];

const oneWindow = failed('HTTP 503 for one window', 'http-503', '(window=1h): server: HTTP 503 Service Unavailable', {
  when: ({ parameters }) => parameters.get('query')?.includes('[1h]') ?? false,
  measured: true,
});

const everySecond: AnswerRow = {
  title: 'every second request reset',
  fault: 'reset',
  code: 'ok',
  cause: 'all burn rate checks passed',
  when: (_, index) => index % 2 === 0,
  measured: true,
};

/** Rows by the gate that lives through them together. */
export const answerGates: readonly { readonly timeout: string; readonly rows: readonly AnswerRow[] }[] = [
  { timeout: '2500ms', rows: late },
  { timeout: '8s', rows: wrong },
  // Ten megabytes take a busy machine their time, and their memory is looked at one by one. The rows beside them need
  // repetitions and splits, of which a server has only so many for all of its SLOs.
  { timeout: '8s', rows: [failed('endless body', 'endless', 'malformed: the answer exceeds 10 MB'), oneWindow] },
  { timeout: '8s', rows: [failed('gzip bomb', 'gzip-bomb', 'malformed: the answer exceeds 10 MB'), everySecond] },
];

export const answerRows = answerGates.flatMap((gate) => gate.rows);
