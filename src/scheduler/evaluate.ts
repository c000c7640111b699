import type { LoadedSlo } from '../catalogue/ports.ts';
import type { Clock, Instant } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { keep } from '../eval/keep.ts';
import type { KeptWindows } from '../eval/kept.ts';
import type { Measurement, MetricsAdapter } from '../eval/measurement.ts';
import { newTrace, type Trace } from '../eval/trace.ts';
import { unmeasured } from '../eval/unmeasured.ts';
import type { Log } from '../log.ts';
import { verdictOn } from '../policy/decide.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import { windowsOf } from '../slo/model.ts';
import { blockingAt, blocksOf } from './blocks.ts';
import { newEvaluationId } from './evaluation-id.ts';
import type { EvaluationQueue, Priority } from './queue.ts';
import type { TakeOver } from './take-over.ts';

export interface EvaluateDeps {
  readonly adapter: MetricsAdapter;
  readonly queue: EvaluationQueue;
  readonly clock: Clock;
  readonly log: Log;
  /** What is left of an SLO's evaluations before the start of this server. Never rejects, bounded. */
  readonly taken: TakeOver;
}

export interface EvaluateRequest {
  readonly loaded: LoadedSlo;
  readonly priority: Priority;
  /** A client forced it: everything is read. */
  readonly isForced: boolean;
  /** Of an urgent evaluation from now on, the queue included; of a scheduled one from when it leaves the queue. */
  readonly deadlineMs: number;
  /** The evaluation before this one, asked for when this one begins. */
  readonly latest: () => Evaluation | undefined;
  readonly cancel: AbortSignal;
  /** Of the request that it is made for; one of its own where absent. */
  readonly trace?: Trace | undefined;
}

/** One evaluation of one SLO, under way. */
export interface RunningEvaluation {
  /** Never rejects; undefined where it was cancelled. */
  readonly done: Promise<Evaluation | undefined>;
  /** The trace that its queries were sent in. */
  trace(): Trace;
  /**
   * A client waits for it from now on: it goes ahead of the scheduled ones, its deadline counts from now, and what it
   * has not asked yet it asks in the client's trace.
   */
  promote(deadlineMs: number, trace?: Trace): void;
}

/**
 * Waits for a turn, measures, decides. Past its deadline what is known counts and the rest is failed(timeout), so that
 * whoever waits has an answer: at least WARN, never an error and never an earlier answer.
 */
export function startEvaluation(deps: EvaluateDeps, request: EvaluateRequest): RunningEvaluation {
  const turn = deps.queue.enter(request.priority);
  const deadline = startDeadline(deps.clock, request.cancel);
  const { giveUp } = deadline;
  giveUp.addEventListener('abort', () => turn.abandon(), { once: true });
  if (request.priority === 'urgent') deadline.set(request.deadlineMs);

  const isCancelled = () => request.cancel.aborted;
  let trace = request.trace;
  let isMeasuring = false;
  const traceNow = () => (trace ??= newTrace());

  async function evaluate(): Promise<Evaluation | undefined> {
    try {
      const hasTurn = await turn.come;
      if (isCancelled()) return undefined;
      deadline.set(request.deadlineMs);
      isMeasuring = true;
      const kept = await keptBefore(deps, request);
      const evaluatedAt = deps.clock.now();
      const measurement = hasTurn
        ? await measure(deps, { ...request, trace: traceNow() }, kept, evaluatedAt.wallMs, giveUp)
        : unmeasured(
            request.loaded.slo,
            evaluatedAt.wallMs,
            'timeout',
            'not asked in time: too many evaluations ahead',
          );
      return isCancelled() ? undefined : conclude(request, measurement, kept, evaluatedAt, deps.adapter.name);
    } finally {
      turn.end();
      deadline.end();
    }
  }

  return {
    done: evaluate(),
    trace: traceNow,
    promote(deadlineMs, clientTrace) {
      if (!isMeasuring) trace ??= clientTrace;
      turn.promote();
      deadline.set(deadlineMs);
    },
  };
}

interface Deadline {
  /** Aborts when the time is over, or the evaluation is cancelled. */
  readonly giveUp: AbortSignal;
  /** Starts it; once it runs, a second call changes nothing. */
  set(ms: number): void;
  end(): void;
}

/**
 * One controller, not `AbortSignal.any`: Node keeps a composite signal that has a listener, and all that the listener
 * refers to, until it aborts, which most evaluations never do.
 */
function startDeadline(clock: Clock, cancel: AbortSignal): Deadline {
  const over = new AbortController();
  const ended = new AbortController();
  const giveUp = () => over.abort('over');
  cancel.addEventListener('abort', giveUp, { once: true });
  let isSet = false;
  return {
    giveUp: over.signal,
    set(ms) {
      if (isSet) return;
      isSet = true;
      void clock.sleep(ms, ended.signal).then((slept) => {
        if (slept === 'elapsed') giveUp();
      });
    },
    end() {
      cancel.removeEventListener('abort', giveUp);
      ended.abort('over');
    },
  };
}

/** What the evaluation before has kept; for the first one, what a server before this one has. */
async function keptBefore({ taken }: EvaluateDeps, { latest, loaded }: EvaluateRequest): Promise<KeptWindows | null> {
  const before = latest();
  return before === undefined ? taken(loaded) : before.kept;
}

const adapterGraceMs = 250;

async function measure(
  deps: EvaluateDeps,
  { loaded: { slo }, priority, isForced, trace }: EvaluateRequest,
  kept: KeptWindows | null,
  evaluatedAtMs: number,
  giveUp: AbortSignal,
): Promise<Measurement> {
  const failed = (detail: string) => unmeasured(slo, evaluatedAtMs, 'malformed', detail);
  const measured = deps.adapter
    .measure(
      { slo, windows: windowsOf(slo), kept: isForced ? null : kept, evaluatedAtMs, priority, ...(trace && { trace }) },
      giveUp,
    )
    .catch((error: unknown) => {
      deps.log.error(`Bug: the ${deps.adapter.name} adapter threw while measuring SLO ${slo.id}: ${messageOf(error)}`, {
        component: 'scheduler',
        slo_id: slo.id,
        stack: error instanceof Error ? error.stack : undefined,
      });
      return failed(`internal error: ${messageOf(error)}`);
    });
  // An adapter settles when told to give up. That nobody waits for ever must not depend on it.
  const abandoned = new Promise<Measurement>((resolve) => {
    const onAbort = () => {
      void deps.clock.sleep(adapterGraceMs).then(() => {
        resolve(unmeasured(slo, evaluatedAtMs, 'timeout', 'the metrics source did not answer in time'));
      });
    };
    if (giveUp.aborted) onAbort();
    else giveUp.addEventListener('abort', onAbort, { once: true });
  });
  return Promise.race([measured, abandoned]);
}

function conclude(
  { loaded, latest }: EvaluateRequest,
  measurement: Measurement,
  kept: KeptWindows | null,
  evaluatedAt: Instant,
  adapter: Evaluation['adapter'],
): Evaluation {
  const { slo, specHash } = loaded;
  const before = latest()?.blocks ?? [];
  const previous = blockingAt(before, evaluatedAt);
  const result = verdictOn(slo, measurement, previous);
  const id = newEvaluationId(evaluatedAt.wallMs);
  const blocks = blocksOf(result, previous, before, evaluatedAt);
  const keeps = keep(slo, kept, measurement);
  return { id, slo, specHash, evaluatedAt, adapter, measurement, previous, blocks, result, kept: keeps };
}
