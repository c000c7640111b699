import type { LoadedSlo } from '../catalogue/ports.ts';
import { elapsedMs, type Clock } from '../clock.ts';
import type { Trace } from '../eval/trace.ts';
import { failuresOf } from '../policy/data-items.ts';
import { verdictOn } from '../policy/decide.ts';
import type { Evaluation, Served } from '../policy/decision-source.ts';
import { worst } from '../slo/decision.ts';
import type { Appended, EvaluationLog } from '../storage/ports.ts';
import { blockingAt, heldBlockAgeMs } from './blocks.ts';
import { Closing } from './closing.ts';
import { startEvaluation, type EvaluateDeps, type RunningEvaluation } from './evaluate.ts';
import { logEvaluation } from './log-lines.ts';
import type { Priority } from './queue.ts';
import { missedSlots, nextSlotMs, retryDelayMs, slotOffsetMs } from './slots.ts';

export interface LoopDeps extends EvaluateDeps {
  readonly evaluationLog: EvaluationLog;
  /** Of one evaluation, as it stands when that begins. */
  readonly deadlineMs: () => number;
  /** Told of each evaluation, for metrics. */
  readonly onEvaluated: (evaluation: Evaluation, durationMs: number) => void;
  readonly onSlotsMissed: (sloId: string, count: number) => void;
  /** Told of each slot how long after it the source was asked, the queue included. */
  readonly onSlotTaken: (latenessMs: number) => void;
}

/** The evaluations of one SLO as it stands: a changed SLO gets a new loop, which knows nothing of the old one's decisions. */
export interface SloLoop {
  current(): Served | undefined;
  /**
   * Evaluates ahead of the queue, or joins one that is under way for the same reason. Undefined where the loop was closed
   * meanwhile, or an order came: then it is to be asked again.
   */
  evaluateNow(reason: 'forced' | 'first', deadlineMs: number, trace?: Trace): Promise<Served | undefined>;
  /** An order has changed what can be asked: an ALLOW that was found before it is not served any more. */
  doubt(): void;
  /** Evaluates once more, whatever is under way. */
  evaluateAnew(): void;
  close(): void;
}

interface Run extends RunningEvaluation {
  /** Resolves when the evaluation is done and its row is stored, or waits. */
  readonly appended: Promise<Appended | undefined>;
}

interface Outcome {
  /** In a row. */
  readonly failures: number;
  /** Undefined where it was cancelled. */
  readonly askedAtMs: number | undefined;
}

/** The moment of an order, and what was served then. */
interface Doubt {
  readonly atMs: number;
  readonly of: Evaluation | undefined;
}

interface ForcedRun extends Run {
  /** Whether its row was committed within the time that its answers wait for it; one wait for all who ask. */
  readonly audited: Promise<boolean>;
}

/** How long the answer to a forced evaluation waits for its audit row. */
const auditWaitMs = 500;

/** A sleep that is cut into pieces notices a wall clock that was set, or a machine that was suspended. */
const longestSleepMs = 30_000;

/** Why a signal aborts. Without a reason Node makes an error each time, with its stack, which costs more than the rest. */
const over = 'over';

export function startSloLoop(deps: LoopDeps, loaded: LoadedSlo): SloLoop {
  const { clock } = deps;
  const closing = new Closing();
  const intervalMs = loaded.slo.evaluationInterval.ms;
  const offsetMs = slotOffsetMs(loaded.slo.id, intervalMs);
  let latest: Evaluation | undefined;
  let forced: ForcedRun | undefined;
  let doubt: Doubt | undefined;
  /** Under way, and begun since the doubt. */
  let anew: Run | undefined;
  // One controller a run, not the loop's own signal: listeners and dependent signals end with the run.
  const runs = new Set<AbortController>();

  function start(priority: Priority, deadlineMs: number, trace?: Trace, isForced = false): Run {
    const begun = clock.now();
    const cancel = new AbortController();
    runs.add(cancel);
    const running = startEvaluation(deps, {
      loaded,
      priority,
      isForced,
      deadlineMs,
      latest: () => latest,
      cancel: cancel.signal,
      trace,
    });
    const appended = running.done.then((evaluation) => {
      runs.delete(cancel);
      if (evaluation === undefined) return undefined;
      if (latest === undefined || standsAfter(evaluation, latest)) latest = evaluation;
      const durationMs = elapsedMs(begun, clock.now());
      logEvaluation(deps.log, evaluation, durationMs, running.trace());
      deps.onEvaluated(evaluation, durationMs);
      return deps.evaluationLog.append(evaluation);
    });
    return { ...running, appended };
  }

  function startForced(deadlineMs: number, trace?: Trace): ForcedRun {
    const run = start('urgent', deadlineMs, trace, true);
    const audited = run.done.then(async () => {
      forced = undefined;
      return (await Promise.race([run.appended, clock.sleep(auditWaitMs, closing)])) === 'stored';
    });
    forced = { ...run, audited };
    return forced;
  }

  let first: Run | undefined = start('scheduled', deps.deadlineMs());
  void runSlots(outcomeOf(first, 0));

  async function runSlots(firstOutcome: Promise<Outcome>): Promise<void> {
    let { failures } = await firstOutcome;
    first = undefined;
    let lastSlotMs = -Infinity;
    while (!closing.aborted) {
      const slotMs = slotAfter(lastSlotMs);
      const retryMs = failures > 0 ? clock.now().wallMs + retryDelayMs(failures, intervalMs) : Infinity;
      if ((await sleepUntil(Math.min(slotMs, retryMs))) === 'aborted') return;
      const outcome = await outcomeOf(start('scheduled', deps.deadlineMs()), failures);
      failures = outcome.failures;
      if (retryMs < slotMs) continue;
      if (outcome.askedAtMs !== undefined) deps.onSlotTaken(Math.max(outcome.askedAtMs - slotMs, 0));
      lastSlotMs = slotMs;
      const missed = missedSlots(slotMs, clock.now().wallMs, intervalMs);
      if (missed > 0) deps.onSlotsMissed(loaded.slo.id, missed);
    }
  }

  /** A timer may fire a little early: the slot that was just evaluated is not taken twice. A clock set back is believed. */
  function slotAfter(lastSlotMs: number): number {
    const slotMs = nextSlotMs(clock.now().wallMs, intervalMs, offsetMs);
    return slotMs === lastSlotMs ? slotMs + intervalMs : slotMs;
  }

  /** Until the wall clock reaches an instant that lies within an interval; a clock set back ends the wait at once. */
  async function sleepUntil(wallMs: number): Promise<'elapsed' | 'aborted'> {
    for (;;) {
      const leftMs = wallMs - clock.now().wallMs;
      const isSetBack = leftMs > 1.5 * intervalMs;
      if (leftMs <= 0 || isSetBack) return closing.aborted ? 'aborted' : 'elapsed';
      const slept = await clock.sleep(Math.min(leftMs, longestSleepMs), closing);
      if (slept === 'aborted') return 'aborted';
    }
  }

  function current(): Served | undefined {
    return latest === undefined || isDoubted(latest) ? undefined : served(latest, clock);
  }

  function isDoubted(evaluation: Evaluation): boolean {
    if (doubt === undefined || evaluation.result.decision !== 'ALLOW') return false;
    return evaluation === doubt.of || evaluation.evaluatedAt.monotonicMs < doubt.atMs;
  }

  function startAnew(): Run {
    if (anew !== undefined) return anew;
    const run = start('scheduled', deps.deadlineMs());
    anew = run;
    void run.done.then(() => {
      if (anew === run) anew = undefined;
    });
    return run;
  }

  return {
    current,

    async evaluateNow(reason, deadlineMs, trace) {
      if (reason === 'first') {
        const run = latest !== undefined && isDoubted(latest) ? startAnew() : first;
        run?.promote(deadlineMs, trace);
        await run?.done;
        return closing.aborted ? undefined : current();
      }
      const run = forced ?? startForced(deadlineMs, trace);
      const evaluation = await run.done;
      if (evaluation === undefined) return undefined;
      const audited = await run.audited;
      // An order came while its row was written: who asks has an answer of after it.
      if (isDoubted(evaluation)) return undefined;
      // A scheduled evaluation that began later may have ended sooner: what it found burning is not answered with an older ALLOW.
      if (latest !== undefined && latest !== evaluation && isWorse(latest, evaluation)) {
        return { ...served(latest, clock), audited: false };
      }
      return { ...served(evaluation, clock), audited };
    },

    doubt() {
      doubt = { atMs: clock.now().monotonicMs, of: latest };
      anew = undefined;
    },

    evaluateAnew: () => void startAnew(),

    close() {
      closing.close();
      for (const run of runs) run.abort(over);
    },
  };
}

/** A few numbers: what else a run holds must not be held while the loop sleeps, ten thousand times. */
async function outcomeOf({ done }: Run, failuresBefore: number): Promise<Outcome> {
  const evaluation = await done;
  return { failures: countFailures(failuresBefore, evaluation), askedAtMs: evaluation?.evaluatedAt.wallMs };
}

function served(evaluation: Evaluation, clock: Clock): Served {
  const now = clock.now();
  const ageMs = elapsedMs(evaluation.evaluatedAt, now);
  const heldAgeMs = heldBlockAgeMs(evaluation, now);
  return heldAgeMs === undefined ? { evaluation, ageMs } : { evaluation, ageMs, heldBlockAgeMs: heldAgeMs };
}

/**
 * One that began before the latest and ended after it stands where it blocks by a rule that the latest could not
 * measure: had they ended in their order, the latest would have held that BLOCK.
 */
function standsAfter(evaluation: Evaluation, before: Evaluation): boolean {
  if (evaluation.evaluatedAt.monotonicMs >= before.evaluatedAt.monotonicMs) return true;
  if (!isWorse(evaluation, before)) return false;
  const earlier = blockingAt(evaluation.blocks, before.evaluatedAt);
  return verdictOn(before.slo, before.measurement, earlier).heldBlockAgeMs !== undefined;
}

function isWorse({ result }: Evaluation, than: Evaluation): boolean {
  return worst([result.decision, than.result.decision]) !== than.result.decision;
}

function countFailures(before: number, evaluation: Evaluation | undefined): number {
  if (evaluation === undefined) return before;
  return failuresOf(evaluation.slo, evaluation.measurement).length > 0 ? before + 1 : 0;
}
