import { describe, expect, it } from 'vitest';
import { createActivityLog } from '../../../src/storage/sqlite/activity-log.ts';
import type { DatabaseState } from '../../../src/storage/sqlite/database.ts';
import { createEvaluationLog } from '../../../src/storage/sqlite/evaluation-log.ts';
import type { Rows } from '../../../src/storage/sqlite/messages.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';
import { makeOrder, makeServed } from '../make-activity.ts';
import { makeEvaluation } from '../make-evaluation.ts';

/** Both logs over one database, which takes everything at once, or nothing. */
function createWorld(limits = { decisionLimit: 50_000, orderLimit: 10_000 }) {
  const clock = createVirtualClock();
  const log = createRecordingLog();
  const asked: Rows[] = [];
  const taken: Rows[] = [];
  let outage: string | null = null;
  const database = {
    commit(rows: Rows): Promise<void> {
      asked.push(rows);
      if (outage !== null) return Promise.reject(new Error(outage));
      taken.push(rows);
      return Promise.resolve();
    },
    define: () => undefined,
    state: (): DatabaseState => 'open',
  };
  return {
    clock,
    asked,
    taken,
    activity: createActivityLog(database, { log, clock, ...limits }),
    evaluations: createEvaluationLog(database, { log, clock, queueLimit: 100, encodeEvidence: () => '{}' }),
    fail: (message: string | null) => void (outage = message),
    errors: () => log.lines.filter(({ level }) => level === 'error').map(({ message }) => message),
    sizes: () =>
      taken.map(({ evaluations, decisions, orders }) => [evaluations, decisions, orders].map((r) => r.length)),
    decisions: () => taken.flatMap(({ decisions }) => decisions.flatMap(({ requestIds }) => requestIds)),
    orders: () => taken.flatMap(({ orders }) => orders.map(({ record }) => record.requestId)),
  };
}

/** One that shares its row with no other. */
const makeLone = () => makeServed({ caller: `ci-${callers++}` });
let callers = 0;

describe('the log of activity', () => {
  it('gathers what is served for a quarter of a second', async () => {
    const { clock, activity, sizes } = createWorld();
    for (let count = 0; count < 30; count++) {
      activity.served(makeLone());
      await clock.advance(8);
    }
    expect(sizes()).toEqual([]);
    await clock.advance(250);
    expect(sizes()).toEqual([[0, 30, 0]]);
  });

  it('writes a full batch at once, and never a larger one', async () => {
    const { clock, activity, sizes } = createWorld();
    for (let count = 0; count < 1_200; count++) activity.served(makeLone());
    await clock.settle();
    expect(sizes()).toEqual([
      [0, 500, 0],
      [0, 500, 0],
    ]);
    await clock.advance(250);
    expect(sizes().at(-1)).toEqual([0, 200, 0]);
  });

  it('writes answers that differ in nothing but their request in rows of a hundred, and counts answers', async () => {
    const { clock, activity, sizes, decisions } = createWorld();
    const served = Array.from({ length: 250 }, () => makeServed({ atMs: clock.now().wallMs }));
    for (const one of served) activity.served(one);
    expect(activity.stats().decisions).toEqual({ stored: 0, waiting: 250, dropped: 0 });
    await clock.advance(250);
    expect(sizes()).toEqual([[0, 3, 0]]);
    expect(decisions()).toEqual(served.map(({ requestId }) => requestId));
    expect(activity.stats().decisions).toEqual({ stored: 250, waiting: 0, dropped: 0 });
  });

  it('hands over 5,000 answers at once, and no more than about as many to a commit', async () => {
    const { clock, activity, taken } = createWorld();
    for (let count = 0; count < 10_000; count++) activity.served(makeServed({ atMs: clock.now().wallMs }));
    await clock.settle();
    const answers = taken.map(({ decisions }) => decisions.reduce((sum, { requestIds }) => sum + requestIds.length, 0));
    expect(answers).toEqual([5_000, 5_000]);
  });

  it('drops whole rows of the oldest answers, and counts the answers', async () => {
    const world = createWorld({ decisionLimit: 1_000, orderLimit: 10 });
    world.fail('database is locked');
    const atMs = world.clock.now().wallMs;
    const served = Array.from({ length: 1_150 }, () => makeServed({ atMs }));
    for (const one of served) world.activity.served(one);
    await world.clock.advance(1_000);
    expect(world.activity.stats().decisions).toEqual({ stored: 0, waiting: 950, dropped: 200 });
    world.fail(null);
    await world.clock.advance(10_000);
    expect(world.decisions()).toEqual(served.slice(200).map(({ requestId }) => requestId));
  });

  it('writes orders at once, and an evaluation before what was served earlier', async () => {
    const { clock, activity, evaluations, sizes } = createWorld();
    for (let count = 0; count < 400; count++) activity.served(makeLone());
    activity.ordered(makeOrder());
    const appended = evaluations.append(makeEvaluation());
    expect(await appended).toBe('stored');
    await clock.advance(250);
    expect(sizes()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [0, 400, 0],
    ]);
  });

  it('sends a batch that failed again as it was, with the same ids', async () => {
    const { clock, activity, asked, taken, fail } = createWorld();
    fail('database is locked');
    for (let count = 0; count < 3; count++) activity.served(makeLone());
    await clock.advance(300);
    fail(null);
    await clock.advance(1_000);
    expect(asked.length).toBeGreaterThan(1);
    expect(taken).toHaveLength(1);
    expect(taken[0]?.decisions).toEqual(asked[0]?.decisions);
    expect(new Set(taken[0]?.decisions.map(({ id }) => id)).size).toBe(3);
  });

  it('drops the oldest of too many decisions, counts and names them, and no order', async () => {
    const world = createWorld({ decisionLimit: 1_000, orderLimit: 10 });
    world.fail('database or disk is full');
    world.activity.ordered(makeOrder({ requestId: 'order' }));
    const served = Array.from({ length: 2_500 }, makeLone);
    for (const one of served) world.activity.served(one);
    await world.clock.advance(5_000);
    expect(world.activity.stats()).toEqual({
      decisions: { stored: 0, waiting: 1_000, dropped: 1_500 },
      orders: { stored: 0, waiting: 1, dropped: 0 },
    });
    expect(world.errors().filter((message) => message.includes('dropped'))).toEqual([
      '1 served decisions are dropped from the audit: the oldest of more than 1000 that wait',
    ]);
    await world.clock.advance(60_000);
    world.activity.served(makeLone());
    await world.clock.advance(250);
    expect(
      world
        .errors()
        .filter((message) => message.includes('dropped'))
        .at(-1),
    ).toMatch(/^1501 served decisions/);
    world.fail(null);
    await world.clock.advance(10_000);
    expect(world.decisions().slice(0, 999)).toEqual(served.slice(1_501).map(({ requestId }) => requestId));
    expect(world.orders()).toEqual(['order']);
  });

  it('tells of an outage once a minute for each kind', async () => {
    const { clock, activity, fail, errors } = createWorld();
    fail('database is locked');
    activity.ordered(makeOrder());
    for (let count = 0; count < 1_000; count++) {
      activity.served(makeServed());
      await clock.advance(50);
    }
    expect(errors()).toEqual([
      'failed to store order: database is locked',
      'failed to store served decision: database is locked',
    ]);
    expect(activity.failure()).toBe('database is locked');
  });

  it('does not wait to gather in a flush', async () => {
    const { clock, activity, sizes } = createWorld();
    activity.served(makeServed());
    await clock.settle();
    const flushed = activity.flush(1_000);
    await clock.settle();
    await flushed;
    expect(sizes()).toEqual([[0, 1, 0]]);
  });
});
