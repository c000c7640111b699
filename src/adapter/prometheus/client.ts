import { elapsedMs, type Clock } from '../../clock.ts';
import type { PrometheusSettings } from '../../config/settings.ts';
import { traceHeaders, type Trace } from '../../eval/trace.ts';
import type { Log } from '../../log.ts';
import type { Slo } from '../../slo/model.ts';
import { clockSkewMs } from './clock-skew.ts';
import { createConnection } from './connection.ts';
import { requestHeaders } from './credentials.ts';
import { decodeAnswer, type Decoded, type PartValues } from './decode.ts';
import { exchange, type Exchanged, type HttpAnswer, type Method } from './exchange.ts';
import {
  failureOfError,
  failureOfStatus,
  garbled,
  noCredentials,
  notAskedAgain,
  notAskedInTime,
  timedOut,
  type RequestFailure,
} from './failure.ts';
import { createRateLimitHold } from './rate-limit-hold.ts';
import type { RequestBudget } from './request-budget.ts';
import { createRequestQueue, type Priority } from './request-queue.ts';
import { masked, secretsIn, withoutSecrets } from './secrets.ts';
import type { Inquiry } from './union.ts';

export type Outcome =
  | {
      readonly kind: 'answer';
      readonly parts: ReadonlyMap<string, PartValues>;
      readonly warnings: readonly string[];
      readonly infos: readonly string[];
      /** The source's clock minus ours; null where it does not say. */
      readonly clockSkewMs: number | null;
    }
  | { readonly kind: 'failed'; readonly failure: RequestFailure };

interface When {
  /** Whose evaluation asks; a probe asks for none. */
  readonly slo?: Slo;
  readonly evaluatedAtMs: number;
  readonly priority: Priority;
  readonly trace?: Trace;
}

/** Asks Prometheus' HTTP API one question at a time a place, within the bounds of the settings. */
export interface Client {
  /** Never rejects. Settles at once when the signal aborts. */
  ask(inquiry: Inquiry, when: When, signal: AbortSignal): Promise<Outcome>;
  /** Requests that are under way. */
  inFlight(): number;
  close(): Promise<void>;
}

interface Tools {
  readonly clock: Clock;
  readonly log: Log;
  readonly budget: RequestBudget;
  /** Told of each request that was sent. */
  readonly onAsked: (outcome: Outcome, durationMs: number) => void;
}

export function createClient(settings: PrometheusSettings, { clock, log, budget, onAsked }: Tools): Client {
  const connection = createConnection(settings);
  const queue = createRequestQueue(settings.concurrency);
  const hold = createRateLimitHold(clock);
  // A proxy may refuse POST; what it takes instead is remembered.
  let method: Method = 'POST';
  const urlSecrets = secretsIn(settings.url);
  const shortAnswers = createShortAnswers();

  const send = async (promql: string, { slo, evaluatedAtMs, trace }: When, signal: AbortSignal): Promise<Received> => {
    const [headers, pool] = await Promise.all([requestHeaders(settings), connection.pool()]);
    if (headers.kind === 'failed') return failed(noCredentials(headers.detail));
    if (pool.kind === 'failed') return failed(noCredentials(pool.detail));
    const form = formOf(promql, evaluatedAtMs, settings.timeoutMs);
    const once = async (by: Method): Promise<Received> => {
      const sentAtMs = clock.now().wallMs;
      const told = { ...(trace && traceHeaders(trace)), ...headers.headers };
      const compressed = slo === undefined || !shortAnswers.has(slo);
      const request = { method: by, url: settings.url, form, headers: told, compressed };
      const exchanged = await exchange(pool.pool, request, signal);
      if (slo !== undefined) shortAnswers.remember(slo, exchanged);
      return { exchanged, sentAtMs, receivedAtMs: clock.now().wallMs, secrets: [...headers.secrets, ...urlSecrets] };
    };
    const received = await once(method);
    if (!refusesMethod(received.exchanged) || !budget.takeExtra(1)) return received;
    const other = method === 'POST' ? 'GET' : 'POST';
    const second = await once(other);
    if (refusesMethod(second.exchanged) || second.exchanged.kind === 'failed') return received;
    if (second.exchanged.status === 200) {
      method = other;
      log.info(`The metrics source refuses one method; from now on it is asked by ${other}`, { component: 'adapter' });
    }
    return second;
  };

  return {
    async ask(inquiry, when, signal) {
      const { evaluatedAtMs, priority } = when;
      const place = await queue.enter(priority, signal);
      if (place.kind === 'aborted')
        return failedOutcome(notAskedInTime(`not asked in time: ${busy(settings.concurrency)}`));
      if (place.kind === 'full') return failedOutcome(notAskedInTime('not asked: too many requests wait'));
      const heldMs = hold.leftMs();
      if (heldMs > 0) {
        place.release();
        const seconds = Math.ceil(heldMs / 1000);
        return failedOutcome(notAskedAgain(`HTTP 429 Too Many Requests: not asked again for another ${seconds}s`));
      }
      const begun = clock.now();
      const ending = new AbortController();
      const sending = send(inquiry.promql, when, ending.signal).finally(place.release);
      const received = await beforeDeadline(sending, settings.timeoutMs, clock, signal);
      ending.abort('over');
      if (received.exchanged.kind === 'http' && received.exchanged.status === 429) {
        hold.keep(received.exchanged.retryAfter);
      }
      const outcome = outcomeOf(received, inquiry, evaluatedAtMs);
      if (outcome.kind === 'answer' || outcome.failure.asked) onAsked(outcome, elapsedMs(begun, clock.now()));
      return outcome;
    },
    inFlight: () => queue.taken(),
    close: () => connection.close(),
  };
}

/** To compress costs Prometheus 0.8 ms of CPU, a sixth of a usual evaluation, however short the answer is. */
const shortAnswer = 8 * 1024;

/** The SLOs whose last answer was short: the next one is asked for as it is. */
function createShortAnswers() {
  const short = new WeakSet<Slo>();
  return {
    has: (slo: Slo) => short.has(slo),
    remember(slo: Slo, exchanged: Exchanged) {
      if (exchanged.kind === 'http' && exchanged.body.length <= shortAnswer) short.add(slo);
      else short.delete(slo);
    },
  };
}

interface Received {
  readonly exchanged: Exchanged;
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
  /** What must not be repeated from the source's words. */
  readonly secrets: readonly string[];
}

function failed(failure: RequestFailure): Received {
  return { exchanged: { kind: 'failed', failure }, sentAtMs: 0, receivedAtMs: 0, secrets: [] };
}

function failedOutcome(failure: RequestFailure): Outcome {
  return { kind: 'failed', failure };
}

function busy(concurrency: number): string {
  return concurrency === 1
    ? 'the one place for requests was taken'
    : `all ${concurrency} places for requests were taken`;
}

function formOf(promql: string, evaluatedAtMs: number, timeoutMs: number): URLSearchParams {
  return new URLSearchParams({
    query: promql,
    time: (evaluatedAtMs / 1000).toFixed(3),
    timeout: `${timeoutMs}ms`,
  });
}

function refusesMethod(exchanged: Exchanged): boolean {
  return exchanged.kind === 'http' && [403, 405, 501].includes(exchanged.status);
}

/**
 * The deadline is a race, because undici hears an abort only once it is connected. What loses goes on until its
 * connection is made or given up, and keeps its place until then, so that no second queue forms in the pool.
 */
async function beforeDeadline(
  sending: Promise<Received>,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Received> {
  const settled = new AbortController();
  const stopTimer = () => {
    settled.abort('over');
  };
  signal.addEventListener('abort', stopTimer, { once: true });
  const timer = clock
    .sleep(timeoutMs, settled.signal)
    .then((ended) =>
      failed(
        timedOut(ended === 'elapsed' ? `no answer within ${secondsText(timeoutMs)}` : 'no answer before the deadline'),
      ),
    );
  if (signal.aborted) stopTimer();
  const received = await Promise.race([sending, timer]);
  signal.removeEventListener('abort', stopTimer);
  settled.abort('over');
  return received;
}

function secondsText(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${Number((ms / 1000).toFixed(3))}s`;
}

function outcomeOf(received: Received, inquiry: Inquiry, evaluatedAtMs: number): Outcome {
  const { exchanged, secrets } = received;
  if (exchanged.kind === 'failed') return failedOutcome(exchanged.failure);
  if (exchanged.status !== 200) return failedOutcome(withoutSecrets(failureOfAnswer(exchanged, inquiry), secrets));
  const decoded = decodeAnswer(exchanged.body, inquiry, evaluatedAtMs);
  if (decoded.kind === 'answer') {
    const mask = (text: string) => masked(text, secrets);
    const remarks = { warnings: decoded.warnings.map(mask), infos: decoded.infos.map(mask) };
    return { ...decoded, ...remarks, clockSkewMs: clockSkewMs(exchanged.date, received) };
  }
  const failure =
    decoded.kind === 'error' ? failureOfError(decoded.errorType, decoded.message) : garbled(decoded.detail);
  return failedOutcome(withoutSecrets(failure, secrets));
}

function failureOfAnswer({ status, body }: HttpAnswer, inquiry: Inquiry): RequestFailure {
  const decoded: Decoded = decodeAnswer(body, inquiry, 0);
  return failureOfStatus(status, decoded.kind === 'error' ? decoded : undefined);
}
