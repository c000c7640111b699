import { afterEach, describe, expect, it } from 'vitest';
import { newTrace } from '../../src/eval/trace.ts';
import { unmeasured } from '../../src/eval/unmeasured.ts';
import type { WindowState } from '../../src/eval/measurement.ts';
import { answerOf } from '../../src/policy/answer.ts';
import type { Served } from '../../src/policy/decision-source.ts';
import { aMeasurement } from '../support/evaluation.ts';
import { createWorld } from '../support/scheduler-world.ts';
import { anSlo } from '../support/slo.ts';

const minute = 60_000;
const readme = anSlo(); // an interval of 5m
const burning: WindowState = { state: 'ok', good: 90, total: 100, goodMissing: false };

let world: ReturnType<typeof createWorld>;
afterEach(() => world.scheduler.stop());

function decisionOf(id = readme.id): string {
  const served = world.scheduler.current(id);
  return served === undefined ? 'none' : answerOf(served).decision;
}

function fail(request: { slo: typeof readme; evaluatedAtMs: number }) {
  return unmeasured(request.slo, request.evaluatedAtMs, 'unreachable', 'connection refused');
}

describe('a loop', () => {
  it('evaluates at once, then at each of its slots', async () => {
    world = createWorld([readme]);
    await world.clock.settle();
    expect(world.source.asked).toHaveLength(1);
    expect(decisionOf()).toBe('ALLOW');
    await world.clock.advance(60 * minute);
    expect(world.source.asked).toHaveLength(13);
    const instants = world.source.asked.slice(1).map((asked) => asked.request.evaluatedAtMs);
    instants.slice(1).forEach((at, i) => expect(at - instants[i]!).toBe(5 * minute));
  });

  it('writes each evaluation to the audit and to the log, in the words that operators grep for', async () => {
    world = createWorld([readme]);
    await world.clock.advance(10 * minute);
    expect(world.audit.appended).toHaveLength(3);
    const lines = world.log.lines.filter((line) => line.message.startsWith('Evaluated SLO'));
    expect(lines.map((line) => line.message)).toEqual(
      Array<string>(3).fill('Evaluated SLO api-availability: decision=ALLOW, SLI=0.9995'),
    );
    expect(new Set(world.audit.appended.map((evaluation) => evaluation.id)).size).toBe(3);
  });

  it('has a trace for each evaluation, which its queries and its line have in common', async () => {
    world = createWorld([readme]);
    await world.clock.advance(10 * minute);
    const traces = world.source.asked.map(({ request }) => request.trace?.traceId);
    expect(new Set(traces).size).toBe(3);
    const lines = world.log.lines.filter((line) => line.message.startsWith('Evaluated SLO'));
    expect(lines.map(({ fields }) => fields.trace_id)).toEqual(traces);
  });

  it('evaluates in the trace of who asked first', async () => {
    world = createWorld([readme], { mode: 'manual', concurrency: 1 });
    const [one, other] = [newTrace(), newTrace()];
    await world.clock.settle();
    const first = world.scheduler.evaluateNow(readme.id, 'first', other); // joins one that was asked already
    world.source.asked[0]!.answer();
    await first;
    const forced = [one, other].map((trace) => world.scheduler.evaluateNow(readme.id, 'forced', trace));
    await world.clock.settle();
    world.source.asked[1]!.answer();
    await Promise.all(forced);
    expect(world.source.asked).toHaveLength(2);
    expect(world.source.asked[0]!.request.trace).not.toEqual(other);
    expect(world.source.asked[1]!.request.trace).toEqual(one);
  });

  it('takes the trace of a client that waits before it has asked anything', async () => {
    world = createWorld([readme, anSlo({ id: 'waits' })], { mode: 'manual', concurrency: 1 });
    await world.clock.settle();
    const trace = newTrace();
    const asking = world.scheduler.evaluateNow('waits', 'first', trace);
    world.source.asked[0]!.answer();
    await world.clock.settle();
    world.source.asked[1]!.answer();
    await asking;
    expect(world.source.asked[1]!.request).toMatchObject({ slo: { id: 'waits' }, trace });
  });

  it('never overlaps, and counts the slots that pass meanwhile', async () => {
    const quick = anSlo({ interval: '1s' });
    world = createWorld([quick], { mode: 'manual' });
    await world.clock.settle();
    world.source.asked[0]!.answer();
    await world.clock.advance(1_000);
    expect(world.source.asked).toHaveLength(2);
    await world.clock.advance(5_000);
    expect(world.source.asked).toHaveLength(2);
    world.source.asked[1]!.answer();
    await world.clock.advance(1_000);
    expect(world.missed).toEqual([5]);
    expect(world.source.asked).toHaveLength(3);
  });

  it('serves no ALLOW from before an order, though the loops are evaluated anew a few a turn', async () => {
    const many = Array.from({ length: 60 }, (_, index) => anSlo({ id: `slo-${index}` }));
    world = createWorld(many);
    await world.clock.settle();
    expect(many.map(({ id }) => decisionOf(id))).toEqual(many.map(() => 'ALLOW'));
    world.source.state.measurement = fail;
    const before = world.source.asked.length;
    world.scheduler.evaluateAll();
    expect(world.source.asked.length - before).toBeLessThan(20);
    expect(many.map(({ id }) => decisionOf(id))).toEqual(many.map(() => 'none'));
    const asked = await world.scheduler.evaluateNow('slo-59', 'first');
    expect(asked && answerOf(asked).decision).toBe('WARN');
    await world.clock.settle();
    expect(many.map(({ id }) => decisionOf(id))).toEqual(many.map(() => 'WARN'));
  });

  it('tells how late after its slot the source was asked, the wait for a turn included', async () => {
    const [one, other] = [anSlo({ id: 'one', interval: '1s' }), anSlo({ id: 'other', interval: '1s' })];
    world = createWorld([one, other], { mode: 'manual', concurrency: 1 });
    await world.clock.settle();
    for (const first of [0, 1]) {
      world.source.asked[first]!.answer();
      await world.clock.settle();
    }
    expect(world.lateness).toEqual([]); // first evaluations have no slot
    await world.clock.advance(1_000); // both slots have come, and there is one turn
    world.source.asked[2]!.answer();
    await world.clock.settle();
    expect(world.lateness).toEqual([0]);
    world.source.asked[3]!.answer();
    await world.clock.settle();
    const between = world.source.asked[3]!.request.evaluatedAtMs - world.source.asked[2]!.request.evaluatedAtMs;
    expect(world.lateness).toHaveLength(2);
    expect(world.lateness[1]).toBeGreaterThan(0);
    expect(world.lateness[1]).toBeLessThanOrEqual(between + 1_000);
  });

  it('repeats a failed evaluation early, backing off, and allows again within two intervals of the end', async () => {
    world = createWorld([readme]);
    await world.clock.settle();
    world.source.state.measurement = fail;
    await world.clock.advance(30 * minute);
    expect(decisionOf()).toBe('WARN');
    const failedCount = world.source.asked.length;
    expect(failedCount).toBeGreaterThan(8);
    expect(failedCount).toBeLessThan(20);
    world.source.state.measurement = (request) =>
      aMeasurement(request.slo, {}, { evaluatedAtMs: request.evaluatedAtMs });
    await world.clock.advance(10 * minute);
    expect(decisionOf()).toBe('ALLOW');
  });

  it('logs a failed evaluation in two lines, the cause first', async () => {
    world = createWorld([readme]);
    world.source.state.measurement = fail;
    await world.clock.settle();
    await world.clock.advance(5 * minute);
    const lines = world.log.lines.filter((line) => line.fields.component === 'scheduler').slice(-2);
    expect(lines.map((line) => [line.level, line.message])).toEqual([
      [
        'error',
        'Error evaluating SLO api-availability: query good metrics (window=30d): query failed after 0 attempts: ' +
          'unreachable: connection refused',
      ],
      ['info', 'Evaluated SLO api-availability: decision=WARN, SLI=n/a'],
    ]);
  });

  it('evaluates on when the wall clock is set back by an hour', async () => {
    world = createWorld([readme]);
    await world.clock.advance(7 * minute);
    const before = world.source.asked.length;
    world.clock.setWall(-60 * minute);
    await world.clock.advance(10 * minute);
    expect(world.source.asked.length).toBeGreaterThan(before);
    expect(decisionOf()).toBe('ALLOW');
  });

  it('survives an adapter that throws: the evaluation has failed, the bug is logged', async () => {
    world = createWorld([readme]);
    world.source.state.measurement = () => {
      throw new Error('boom');
    };
    await world.clock.settle();
    expect(decisionOf()).toBe('WARN');
    expect(world.log.lines.some((line) => line.level === 'error' && line.message.includes('boom'))).toBe(true);
  });
});

describe('the age of a decision', () => {
  it.each([
    ['the evaluations hang', async () => world.clock.advance(10 * minute + 1)],
    [
      'the wall clock jumped ahead',
      async () => {
        world.clock.setWall(10 * minute + 1);
        await world.clock.settle();
      },
    ],
  ])('makes an ALLOW a WARN when %s', async (_, pass) => {
    world = createWorld([readme], { mode: 'manual' });
    await world.clock.settle();
    world.source.asked[0]!.answer();
    await world.clock.settle();
    expect(decisionOf()).toBe('ALLOW');
    await pass();
    const answer = answerOf(world.scheduler.current(readme.id)!);
    expect(answer.decision).toBe('WARN');
  });

  it('keeps a measured BLOCK through a failure, until twice the interval after it was measured', async () => {
    world = createWorld([readme]);
    world.source.state.measurement = (request) =>
      aMeasurement(request.slo, { '5m': burning, '1h': burning }, { evaluatedAtMs: request.evaluatedAtMs });
    await world.clock.settle();
    expect(decisionOf()).toBe('BLOCK');
    world.source.state.measurement = fail;
    await world.clock.advance(10 * minute - 1);
    expect(decisionOf()).toBe('BLOCK');
    expect(answerOf(world.scheduler.current(readme.id)!).reasonCodes).toContain('held');
    await world.clock.advance(1);
    expect(decisionOf()).toBe('WARN');
  });

  it('keeps it as long where the wall clock is set forward and back again meanwhile', async () => {
    world = createWorld([readme]);
    world.source.state.measurement = (request) =>
      aMeasurement(request.slo, { '5m': burning, '1h': burning }, { evaluatedAtMs: request.evaluatedAtMs });
    await world.clock.settle();
    world.source.state.measurement = fail;
    world.clock.setWall(4 * minute);
    await world.scheduler.evaluateNow(readme.id, 'forced');
    world.clock.setWall(-4 * minute);
    await world.clock.advance(2 * minute);
    await world.scheduler.evaluateNow(readme.id, 'forced');
    await world.clock.advance(8 * minute - 1);
    expect(decisionOf()).toBe('BLOCK');
    await world.clock.advance(1);
    expect(decisionOf()).toBe('WARN');
  });
});

describe('an evaluation that somebody waits for', () => {
  it('is shared by a thousand who force it at once', async () => {
    world = createWorld([readme], { mode: 'manual' });
    await world.clock.settle();
    world.source.asked[0]!.answer();
    await world.clock.settle();
    const answers = Array.from({ length: 1_000 }, () => world.scheduler.evaluateNow(readme.id, 'forced'));
    await world.clock.settle();
    expect(world.source.asked).toHaveLength(2);
    world.source.asked[1]!.answer();
    const served = await Promise.all(answers);
    expect(new Set(served.map((one) => one?.evaluation.id)).size).toBe(1);
    expect(served[0]?.audited).toBe(true);
  });

  it('goes ahead of the scheduled ones, and its deadline covers the queue', async () => {
    const many = Array.from({ length: 30 }, (_, i) => anSlo({ id: `slo-${i}` }));
    world = createWorld(many, { mode: 'manual', concurrency: 2 });
    await world.clock.settle();
    expect(world.source.asked).toHaveLength(2);
    const first = world.scheduler.evaluateNow('slo-29', 'first');
    await world.clock.settle();
    world.source.asked[0]!.answer();
    await world.clock.settle();
    expect(world.source.asked[2]!.request.slo.id).toBe('slo-29');
    world.source.asked[2]!.answer();
    expect((await first)?.evaluation.result.decision).toBe('ALLOW');

    // Both places are taken by evaluations that hang for their whole deadline.
    const late = world.scheduler.evaluateNow('slo-28', 'first');
    await world.clock.advance(8_000);
    const answer = answerOf((await late)!);
    expect(answer.decision).toBe('WARN');
    expect(answer.reasonCodes).toEqual(['query_failed']);
  });

  it('is a WARN with a new timestamp when the source does not answer in time, not the earlier ALLOW', async () => {
    world = createWorld([readme], { mode: 'manual' });
    await world.clock.settle();
    world.source.asked[0]!.answer();
    await world.clock.advance(1_000);
    const earlier = world.scheduler.current(readme.id)!;
    const forced = world.scheduler.evaluateNow(readme.id, 'forced');
    await world.clock.advance(8_000 + 250);
    const served: Served | undefined = await forced;
    expect(answerOf(served!)).toMatchObject({ decision: 'WARN', reasonCodes: ['query_failed'] });
    expect(served!.evaluation.evaluatedAt.wallMs).toBeGreaterThan(earlier.evaluation.evaluatedAt.wallMs);
    expect(decisionOf()).toBe('WARN');
  });

  it('waits for its audit row half a second, and then says that it is not there', async () => {
    world = createWorld([readme]);
    await world.clock.settle();
    world.audit.state.outcome = () => new Promise(() => undefined);
    const forced = world.scheduler.evaluateNow(readme.id, 'forced');
    await world.clock.advance(500);
    expect((await forced)?.audited).toBe(false);
    world.audit.state.outcome = () => Promise.resolve('queued');
    const queued = world.scheduler.evaluateNow(readme.id, 'forced');
    await world.clock.settle();
    expect((await queued)?.audited).toBe(false);
    // On a replica no row is ever stored, and nobody waits for one.
    world.audit.state.outcome = () => Promise.resolve('unkept');
    const unkept = world.scheduler.evaluateNow(readme.id, 'forced');
    await world.clock.settle();
    expect((await unkept)?.audited).toBe(false);
  });

  it('is not answered with an ALLOW that is older than a BLOCK', async () => {
    const quick = anSlo({ interval: '1s' });
    world = createWorld([quick], { mode: 'manual' });
    await world.clock.settle();
    world.source.asked[0]!.answer();
    await world.clock.settle();
    const forced = world.scheduler.evaluateNow(quick.id, 'forced');
    await world.clock.advance(1_000);
    const [, slow, scheduled] = world.source.asked;
    const { slo, evaluatedAtMs } = scheduled!.request;
    scheduled!.answer(aMeasurement(slo, { '5m': burning, '1h': burning }, { evaluatedAtMs }));
    await world.clock.settle();
    slow!.answer();
    expect((await forced)?.evaluation.result.decision).toBe('BLOCK');
  });

  it.each([
    ['failed', 'BLOCK'],
    ['measured', 'ALLOW'],
  ])('that has %s does not lose a BLOCK that was measured before it and known after it: %s', async (how, expected) => {
    const quick = anSlo({ interval: '1s' });
    world = createWorld([quick], { mode: 'manual' });
    await world.clock.settle();
    await world.clock.advance(10);
    const forced = world.scheduler.evaluateNow(quick.id, 'forced');
    await world.clock.settle();
    const [slow, soon] = world.source.asked;
    soon!.answer(how === 'failed' ? fail(soon!.request) : undefined);
    await world.clock.settle();
    await forced;
    const { slo, evaluatedAtMs } = slow!.request;
    slow!.answer(aMeasurement(slo, { '5m': burning, '1h': burning }, { evaluatedAtMs }));
    await world.clock.settle();
    expect(decisionOf(quick.id)).toBe(expected);
  });

  it('is made anew where an order comes while its audit row is written', async () => {
    world = createWorld([readme]);
    await world.clock.settle();
    world.audit.state.outcome = () => new Promise(() => undefined);
    const forced = world.scheduler.evaluateNow(readme.id, 'forced');
    await world.clock.advance(100);
    world.source.state.mode = 'manual';
    world.scheduler.evaluateAll();
    await world.clock.advance(9_000);
    expect(answerOf((await forced)!).decision).toBe('WARN');
  });

  it('is nothing for an SLO that is unknown', async () => {
    world = createWorld([readme]);
    expect(await world.scheduler.evaluateNow('nobody', 'forced')).toBeUndefined();
    expect(world.scheduler.current('nobody')).toBeUndefined();
  });
});

describe('a change of the catalogue', () => {
  it('drops the decision of a changed SLO and evaluates it at once; the others keep theirs', async () => {
    const other = anSlo({ id: 'other' });
    world = createWorld([readme, other], { mode: 'manual' });
    await world.clock.settle();
    for (const asked of world.source.asked) asked.answer();
    await world.clock.settle();
    const kept = world.scheduler.current('other')!.evaluation.id;
    world.files.put(anSlo({ objective: 0.999 }));
    expect(world.scheduler.current(readme.id)).toBeUndefined();
    await world.clock.settle();
    expect(world.source.asked).toHaveLength(3);
    expect(world.source.asked[2]!.request.slo.objective).toBe(0.999);
    expect(world.scheduler.current('other')!.evaluation.id).toBe(kept);
  });

  it('lets no evaluation of the old SLO through, neither served nor stored', async () => {
    world = createWorld([readme], { mode: 'manual' });
    await world.clock.settle();
    const waiting = world.scheduler.evaluateNow(readme.id, 'first');
    world.files.put(anSlo({ objective: 0.999 }));
    world.source.asked[0]!.answer();
    await world.clock.settle();
    expect(world.audit.appended).toHaveLength(0);
    world.source.asked[1]!.answer();
    expect((await waiting)?.evaluation.slo.objective).toBe(0.999);
    expect(world.audit.appended).toHaveLength(1);
  });

  it('ends the loop of a removed SLO', async () => {
    world = createWorld([readme]);
    await world.clock.settle();
    world.files.remove(readme.id);
    const asked = world.source.asked.length;
    await world.clock.advance(30 * minute);
    expect(world.source.asked).toHaveLength(asked);
    expect(world.scheduler.current(readme.id)).toBeUndefined();
    expect(world.audit.defined.at(-1)).toEqual([]);
  });
});
