import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measure } from '../../src/adapter/prometheus/measure.ts';
import { createBreaker } from '../../src/adapter/prometheus/breaker.ts';
import type { Client, Outcome } from '../../src/adapter/prometheus/client.ts';
import { failureOfException, failureOfStatus, tellsOfOutage, timedOut } from '../../src/adapter/prometheus/failure.ts';
import { guarded, tell } from '../../src/adapter/prometheus/guard.ts';
import { createRequestBudget } from '../../src/adapter/prometheus/request-budget.ts';
import { createSplitMemory } from '../../src/adapter/prometheus/split-memory.ts';
import type { Inquiry } from '../../src/adapter/prometheus/union.ts';
import { elapsedMs, type Instant } from '../../src/clock.ts';
import type { MeasureRequest } from '../../src/eval/measurement.ts';
import { answerOf } from '../../src/policy/answer.ts';
import type { Window } from '../../src/slo/model.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createWorld } from '../support/scheduler-world.ts';
import { anSlo } from '../support/slo.ts';

const ids = ['api', 'batch', 'cron'] as const;
const intervals = { api: '1s', batch: '5s', cron: '5m' } as const;
type Id = (typeof ids)[number];

const refusedConnection = Object.assign(new Error(), { code: 'ECONNREFUSED' });
const failures = {
  unreachable: failureOfException(refusedConnection, 'p:9090', false),
  server: failureOfStatus(503, undefined),
  'bad-query': failureOfStatus(422, undefined),
  auth: failureOfStatus(401, undefined),
};
type Behaviour = 'healthy' | 'burning' | 'silent' | 'by halves' | keyof typeof failures;

const burningGood = 50_000;
const values = { good: 99_950, total: 100_000, freshness: 5, points: 600, coverage: 60 } as const;

function answered({ parts }: Inquiry, isBurning: boolean): Outcome {
  const valueOf = (role: (typeof parts)[number]['role']) => (isBurning && role === 'good' ? burningGood : values[role]);
  return {
    kind: 'answer',
    parts: new Map(parts.map(({ tag, role }) => [tag, { kind: 'values', values: [valueOf(role)] }])),
    ...{ warnings: [], infos: [], clockSkewMs: 0 },
  };
}

/** What the random runs came by: the claims below are of nothing where they saw nothing. */
const seen = new Set<string>();

/** The real scheduler, policy, splitting and breaker; only the exchange with the source is the test's. */
function createRun() {
  const world = createWorld(
    ids.map((id) => anSlo({ id, interval: intervals[id] })),
    { mode: 'manual' },
  );
  const { clock, scheduler } = world;
  let behaviour: Behaviour = 'healthy';
  let requests = 0;
  let trippedAt: Instant | undefined;
  /** The evaluations of each SLO, and what each was told. */
  const begun = new Map<string, { at: Instant; isWhole: boolean; isBurning: boolean }[]>();
  const restingOn = new WeakMap<object, { at: Instant; isWhole: boolean; isBurning: boolean }>();

  const ask = async (inquiry: Inquiry, signal: AbortSignal): Promise<Outcome> => {
    requests += 1;
    const now = behaviour === 'by halves' ? (requests % 2 === 0 ? 'healthy' : 'server') : behaviour;
    if (now === 'healthy' || now === 'burning') {
      await clock.sleep(20, signal);
      return signal.aborted
        ? { kind: 'failed', failure: timedOut('no answer before the deadline') }
        : answered(inquiry, now === 'burning');
    }
    if (now === 'silent') {
      await clock.sleep(2_000, signal);
      return { kind: 'failed', failure: timedOut('no answer within 2s') };
    }
    return { kind: 'failed', failure: failures[now] };
  };
  const client: Client = {
    async ask(inquiry, _when, signal) {
      const outcome = await ask(inquiry, signal);
      tell(breaker, outcome);
      return outcome;
    },
    inFlight: () => 0,
    close: () => Promise.resolve(),
  };
  const breaker = createBreaker({
    clock,
    log: createRecordingLog(),
    onOrdered: () => scheduler.evaluateAll(),
    async probe() {
      const [first, never] = [{ promql: 'vector(1)', tagged: false, parts: [], groups: [] }, new AbortController()];
      const outcome = await ask(first, never.signal);
      return outcome.kind === 'failed' && tellsOfOutage(outcome.failure) ? outcome.failure.detail : null;
    },
  });
  const budget = createRequestBudget(() => clock.now().monotonicMs);
  const tools = { memory: createSplitMemory(() => clock.now().monotonicMs), budget, clock, attempts: 2 };

  Object.assign(world.source.adapter, {
    measure(request: MeasureRequest, signal: AbortSignal) {
      const one = { at: clock.now(), isWhole: false, isBurning: false }; // whole once it has ended
      begun.set(request.slo.id, [...(begun.get(request.slo.id) ?? []), one]);
      return measure(request, { ...tools, ask: guarded(client, breaker) }, breaker, signal).then((measurement) => {
        const { windows, freshness, points } = measurement;
        one.isWhole = [...windows, freshness, points].every(({ state }) => state === 'ok');
        // What is asked a second time may find the source in another mood: a rule needs both of its windows.
        const burning = windows.filter((window) => window.state === 'ok' && window.good === burningGood);
        const burns = ({ name }: Window) => burning.some(({ window }) => window.name === name);
        one.isBurning = request.slo.rules.some((rule) => burns(rule.shortWindow) && burns(rule.longWindow));
        restingOn.set(measurement, one);
        return measurement;
      });
    },
  });

  function check(id: Id): void {
    const served = scheduler.current(id);
    if (served === undefined) return;
    const { decision, reasons } = answerOf(served);
    seen.add(`${decision} while ${breaker.status().state}`);
    const of = restingOn.get(served.evaluation.measurement);
    if (decision === 'ALLOW') {
      expect(breaker.status().state, `${id} is ALLOW while tripped`).not.toBe('tripped');
      expect(of).toMatchObject({ isWhole: true, isBurning: false });
      expect(served.ageMs).toBeLessThanOrEqual(2 * served.evaluation.slo.evaluationInterval.ms);
      if (trippedAt !== undefined) expect(of!.at.monotonicMs).toBeGreaterThanOrEqual(trippedAt.monotonicMs);
    }
    // One that began at the very instant of the order, and was ended by it, may tell of what it had found by then.
    const isAfter = served.evaluation.evaluatedAt.monotonicMs !== trippedAt?.monotonicMs;
    if (breaker.status().state === 'tripped' && isAfter) expect(reasons.join()).toContain('tripped by an operator');
    const lastBurning = begun.get(id)?.findLast((one) => one.isBurning && one.isWhole);
    // Of two that began at the very same instant, either may be the later one.
    const measuredSince = begun
      .get(id)
      ?.some((one) => one.isWhole && one !== lastBurning && one.at.monotonicMs >= (lastBurning?.at.monotonicMs ?? 0));
    if (lastBurning !== undefined && measuredSince !== true) {
      const isHeld = elapsedMs(lastBurning.at, clock.now()) < 2 * served.evaluation.slo.evaluationInterval.ms;
      if (isHeld) expect(decision, `${id} burnt, and was not measured since`).toBe('BLOCK');
    }
  }

  return {
    clock,
    breaker,
    scheduler,
    requests: () => requests,
    set: (next: Behaviour) => void (behaviour = next),
    trip() {
      // What is tripped already stays as it is.
      if (breaker.status().state !== 'tripped') trippedAt = clock.now();
      breaker.trip();
    },
    check: () => {
      for (const id of ids) check(id);
    },
    end() {
      scheduler.stop();
      breaker.close();
    },
  };
}

type Command =
  | { kind: 'source'; behaviour: Behaviour }
  | { kind: 'pass'; ms: number }
  | { kind: 'force'; id: Id }
  | { kind: 'trip' | 'reset' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('source' as const),
      behaviour: fc.constantFrom<Behaviour>(
        ...([
          'healthy',
          'healthy',
          'burning',
          'silent',
          'by halves',
          'unreachable',
          'server',
          'bad-query',
          'auth',
        ] as const),
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.oneof(fc.nat(50), fc.nat(3_000), fc.nat(60_000)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('force' as const), id: fc.constantFrom(...ids) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('trip' as const, 'reset' as const) }) },
);

describe('behind a circuit breaker that opens, is tripped and is reset at random', () => {
  it('an ALLOW rests on a whole measurement, none stands while it is tripped, and a measured BLOCK is held', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 30 }), async (commands) => {
        const run = createRun();
        try {
          for (const one of commands) {
            if (one.kind === 'source') run.set(one.behaviour);
            else if (one.kind === 'pass') await run.clock.advance(one.ms);
            else if (one.kind === 'force') void run.scheduler.evaluateNow(one.id, 'forced');
            else if (one.kind === 'trip') run.trip();
            else run.breaker.reset();
            await run.clock.settle();
            run.check();
          }
        } finally {
          run.end();
        }
      }),
      { numRuns: 150 },
    );
    for (const one of ['ALLOW', 'WARN', 'BLOCK']) expect([...seen].join()).toContain(`${one} while closed`);
    for (const state of ['open', 'tripped']) expect([...seen].join()).toContain(`WARN while ${state}`);
  });

  it('no request is sent while it is tripped, and ALLOW is back at once after the reset', async () => {
    const run = createRun();
    await run.clock.advance(3_000);
    run.set('silent');
    await run.clock.advance(500);
    run.trip();
    await run.clock.settle();
    const sent = run.requests();
    const current = () => ids.map((id) => answerOf(run.scheduler.current(id)!).decision);
    expect(current()).toEqual(['WARN', 'WARN', 'WARN']);
    await run.clock.advance(60_000);
    expect(run.requests()).toBe(sent);
    run.set('healthy');
    run.breaker.reset();
    await run.clock.advance(20);
    expect(current()).toEqual(['ALLOW', 'ALLOW', 'ALLOW']);
    run.end();
  });

  it('an order ends what is under way, and what began before it and ended sooner does not stand after it', async () => {
    const run = createRun();
    await run.clock.advance(3_000);
    run.set('silent');
    const forced = run.scheduler.evaluateNow('api', 'forced');
    await run.clock.settle();
    run.set('healthy');
    await run.clock.advance(1_100); // a scheduled evaluation began later, and has ended
    expect(answerOf(run.scheduler.current('api')!).decision).toBe('ALLOW');
    run.trip();
    await run.clock.settle();
    expect(answerOf(run.scheduler.current('api')!).decision).toBe('WARN');
    const { decision, reasons } = answerOf((await forced)!);
    expect([decision, reasons.join()]).toEqual(['WARN', expect.stringContaining('tripped by an operator')]);
    run.end();
  });

  it.each(['unreachable', 'server', 'silent'] as const)(
    '%s: it opens, and ALLOW is back within two intervals',
    async (fault) => {
      const run = createRun();
      await run.clock.advance(3_000);
      run.set(fault);
      await run.clock.advance(30_000);
      expect(run.breaker.status().state).toMatch(/^(open|half-open)$/);
      // Who waits is answered without a moment's wait.
      const forced = run.scheduler.evaluateNow('cron', 'forced');
      await run.clock.settle();
      const answered = await Promise.race([forced, Promise.resolve('not yet')]);
      expect(answered).toMatchObject({ evaluation: { result: { decision: 'WARN' } } });
      const before = run.requests();
      await run.clock.advance(10_000);
      expect(run.requests() - before).toBeLessThanOrEqual(20 + 2 * 6);
      run.set('healthy');
      await run.clock.advance(2_000);
      expect(run.breaker.status().state).toBe('closed');
      expect(answerOf(run.scheduler.current('api')!).decision).toBe('ALLOW');
      await run.clock.advance(8_000);
      expect(answerOf(run.scheduler.current('batch')!).decision).toBe('ALLOW');
      run.end();
    },
  );

  it('a query that fails by itself does not open it', async () => {
    const run = createRun();
    await run.clock.advance(3_000);
    for (const behaviour of ['bad-query', 'auth'] as const) {
      run.set(behaviour);
      await run.clock.advance(30_000);
      expect(run.breaker.status()).toMatchObject({ state: 'closed', refused: 0 });
    }
    run.end();
  });
});
