import { describe, expect, it } from 'vitest';
import { createEvaluationLog } from '../../../src/storage/sqlite/evaluation-log.ts';
import type { AuditDatabase, DatabaseState } from '../../../src/storage/sqlite/database.ts';
import type { EvaluationRow } from '../../../src/storage/sqlite/messages.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';
import { makeEvaluation, makeEvaluations } from '../make-evaluation.ts';

/** A database whose commits end when, and as, the test says. */
function createWorld(queueLimit = 10_000) {
  const clock = createVirtualClock();
  const log = createRecordingLog();
  const written: string[] = [];
  const commits: { readonly rows: readonly EvaluationRow[]; succeed(): void; fail(message: string): void }[] = [];
  let outage: string | null = null;
  let state: DatabaseState = 'open';
  const database: Pick<AuditDatabase, 'commit' | 'define' | 'state'> = {
    commit: ({ evaluations: rows }) =>
      new Promise((resolve, reject) => {
        let isOver = false;
        const commit = {
          rows,
          succeed() {
            if (isOver) return;
            isOver = true;
            written.push(...rows.map((row) => row.evaluationId));
            resolve();
          },
          fail(message: string) {
            isOver = true;
            reject(new Error(message));
          },
        };
        commits.push(commit);
        if (outage !== null) commit.fail(outage);
      }),
    define: () => undefined,
    state: () => state,
  };
  const evaluations = createEvaluationLog(database, { log, clock, queueLimit, encodeEvidence: () => '{}' });
  return {
    clock,
    written,
    commits,
    evaluations,
    errors: () => log.lines.filter((line) => line.level === 'error').map((line) => line.message),
    infos: () => log.lines.filter((line) => line.level === 'info').map((line) => line.message),
    fail: (message: string | null) => void (outage = message),
    become: (next: DatabaseState) => void (state = next),
    /** Lets commits succeed from now on, those under way first. */
    async heal() {
      outage = null;
      for (let turns = 0; turns < 40; turns++) {
        await clock.advance(1_000);
        commits.at(-1)?.succeed();
      }
    },
  };
}

const ids = (evaluations: readonly { id: string }[]) => evaluations.map(({ id }) => id);

describe('the log of evaluations', () => {
  it('has one batch in flight while the next gathers', async () => {
    const { clock, commits, evaluations } = createWorld();
    const [first, ...rest] = makeEvaluations(30);
    void evaluations.append(first!);
    await clock.settle();
    for (const evaluation of rest) void evaluations.append(evaluation);
    await clock.settle();
    expect(commits.map(({ rows }) => rows.length)).toEqual([1]);
    commits[0]!.succeed();
    await clock.settle();
    expect(commits.map(({ rows }) => rows.length)).toEqual([1, 29]);
  });

  it('says queued as soon as a commit has failed, and writes the rows in their order later', async () => {
    const world = createWorld();
    const evaluations = makeEvaluations(1_200);
    world.fail('database is locked');
    const appended = evaluations.map((evaluation) => world.evaluations.append(evaluation));
    expect(new Set(await Promise.all(appended))).toEqual(new Set(['queued']));
    expect(world.evaluations.stats()).toEqual({
      stored: 0,
      waiting: 1_200,
      dropped: 0,
      lastError: 'database is locked',
    });
    await world.heal();
    expect(world.written).toEqual(ids(evaluations));
    expect(world.evaluations.stats()).toEqual({ stored: 1_200, waiting: 0, dropped: 0, lastError: null });
  });

  it('logs a failure once a minute while it lasts, and its end', async () => {
    const world = createWorld();
    world.fail('database is locked');
    void world.evaluations.append(makeEvaluation());
    await world.clock.advance(59_000);
    expect(world.errors()).toEqual(['failed to store evaluation: database is locked']);
    await world.clock.advance(60_000);
    expect(world.errors()).toHaveLength(2);
    expect(world.commits.length).toBeLessThan(200); // with waits between the attempts
    await world.heal();
    expect(world.infos()).toEqual(['evaluations are stored again']);
  });

  it('drops the oldest beyond its limit, counts and names them', async () => {
    const world = createWorld(100);
    world.fail('database or disk is full');
    const evaluations = makeEvaluations(130);
    for (const evaluation of evaluations) await world.evaluations.append(evaluation);
    expect(world.evaluations.stats()).toMatchObject({ waiting: 100, dropped: 30 });
    expect(world.errors().join()).toMatch(/dropped from the audit: the oldest of more than 100 that wait/);
    await world.heal();
    expect(world.written).toEqual(ids(evaluations.slice(30)));
  });

  it('counts a commit without an answer as failed for those who wait for it', async () => {
    const world = createWorld();
    const appended = world.evaluations.append(makeEvaluation());
    await world.clock.advance(2_000);
    expect(await appended).toBe('queued');
    expect(world.errors()).toEqual(['failed to store evaluation: no answer from the database within 2 s']);
    world.commits[0]!.succeed();
    await world.clock.settle();
    expect(world.evaluations.stats()).toMatchObject({ stored: 1, waiting: 0, lastError: null });
  });

  it('ends a flush at its bound, and leaves nobody waiting', async () => {
    const world = createWorld();
    const appended = world.evaluations.append(makeEvaluation());
    const flushed = world.evaluations.flush(1_000);
    await world.clock.advance(1_000);
    await flushed;
    expect(await appended).toBe('queued');
  });

  it('waits in a flush for rows of an outage that ends', async () => {
    const world = createWorld();
    world.fail('database is locked');
    await world.evaluations.append(makeEvaluation());
    const flushed = world.evaluations.flush(60_000);
    await world.heal();
    await flushed;
    expect(world.evaluations.stats()).toMatchObject({ stored: 1, waiting: 0 });
  });

  it('ends a flush at once where the file was replaced', async () => {
    const world = createWorld();
    world.fail('was replaced');
    world.become('replaced');
    await world.evaluations.append(makeEvaluation());
    await world.evaluations.flush(3_600_000);
    expect(world.evaluations.stats()).toMatchObject({ waiting: 1 });
  });
});
