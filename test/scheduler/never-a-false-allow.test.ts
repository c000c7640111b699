import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elapsedMs, type Instant } from '../../src/clock.ts';
import type { MeasureRequest, Measurement, WindowState } from '../../src/eval/measurement.ts';
import { unmeasured } from '../../src/eval/unmeasured.ts';
import { answerOf } from '../../src/policy/answer.ts';
import { encodeEvidence } from '../../src/policy/evidence.ts';
import type { Served } from '../../src/policy/decision-source.ts';
import { openSqliteStorage, type SqliteStorage } from '../../src/storage/sqlite/open-storage.ts';
import { aMeasurement } from '../support/evaluation.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createWorld } from '../support/scheduler-world.ts';
import { anSlo } from '../support/slo.ts';

const intervals = { api: '5m', batch: '30s' } as const;
type Id = keyof typeof intervals;
const ids: readonly Id[] = ['api', 'batch'];
const sloOf = (id: Id, objective: number) => anSlo({ id, interval: intervals[id], objective });

const burning: WindowState = { state: 'ok', good: 50, total: 100, goodMissing: false };
const partlyFailed: WindowState = {
  state: 'failed',
  failure: { role: 'total', reason: 'server', detail: 'HTTP 500', attempts: 2 },
};

/** What the metrics source may do; only `healthy` is a complete, fresh, sufficient measurement of a healthy service. */
const behaviours = {
  healthy: (request: MeasureRequest) => measured(request),
  burning: (request: MeasureRequest) => measured(request, { '5m': burning, '1h': burning }),
  down: (request: MeasureRequest) => unmeasured(request.slo, request.evaluatedAtMs, 'unreachable', 'refused'),
  partly: (request: MeasureRequest) => measured(request, { '6h': partlyFailed }),
  empty: (request: MeasureRequest) => measured(request, { '*': { state: 'noData', cause: 'no series match' } }),
  stale: (request: MeasureRequest) =>
    measured(request, {}, { freshness: { state: 'ok', ages: [{ metric: 'm', ageMs: 10 ** 8 }] } }),
  thin: (request: MeasureRequest) => measured(request, {}, { points: { state: 'ok', value: 1 } }),
  throwing: (): Measurement => {
    throw new Error('a bug');
  },
  silent: undefined,
} satisfies Record<string, ((request: MeasureRequest) => Measurement) | undefined>;
type Behaviour = keyof typeof behaviours;

/** Doubtful answers that measure the burn rules all the same, so that a BLOCK may rightly end with them. */
const measuresRules = new Set<Behaviour>(['partly', 'thin']);

function measured(request: MeasureRequest, windows: Record<string, WindowState> = {}, rest: Partial<Measurement> = {}) {
  return aMeasurement(request.slo, windows, { evaluatedAtMs: request.evaluatedAtMs, ...rest });
}

type Command =
  | { kind: 'source'; behaviour: Behaviour }
  | { kind: 'pass'; ms: number }
  | { kind: 'force' | 'ask' | 'change' | 'remove' | 'add'; id: Id }
  | { kind: 'setWall'; ms: number }
  | { kind: 'restart' };

const id = fc.constantFrom(...ids);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('source' as const),
      behaviour: fc.constantFrom(...(Object.keys(behaviours) as Behaviour[])),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(10_000), fc.nat(900_000)) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('force' as const, 'ask' as const), id }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('change' as const, 'remove' as const, 'add' as const), id }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('setWall' as const),
      ms: fc.integer({ min: -3_600_000, max: 3_600_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

let directory: string;
let storage: SqliteStorage;

/** The real scheduler, policy and store beside a model that knows only when the source gave which answer, and to which SLO. */
function createRun() {
  let behaviour: Behaviour = 'healthy';
  let revision = 0;
  let world = open(ids.map((one) => sloOf(one, 0.995)));
  /** For each SLO as it stands: when it was last seen healthy, and when burning. */
  const proof = new Map<string, { healthy?: Instant; burning?: Instant }>();

  function open(slos: Parameters<typeof createWorld>[0]) {
    const opened = createWorld(slos, { mode: 'manual', concurrency: 2, evaluationLog: storage.log });
    const answer = opened.source.adapter.measure.bind(opened.source.adapter);
    Object.assign(opened.source.adapter, {
      measure(request: MeasureRequest, signal: AbortSignal) {
        const now = opened.clock.now();
        const key = `${request.slo.id} ${request.slo.objective}`;
        const seen = proof.get(key) ?? {};
        const said = behaviours[behaviour];
        if (said === undefined) return answer(request, signal); // never answers
        if (behaviour === 'healthy') proof.set(key, { healthy: now });
        else if (behaviour === 'burning') proof.set(key, { ...seen, burning: now });
        else if (measuresRules.has(behaviour)) delete seen.burning;
        return Promise.resolve().then(() => said(request));
      },
    });
    return opened;
  }

  function check(served: Served | undefined): void {
    if (served === undefined) return;
    const { slo } = served.evaluation;
    const answer = answerOf(served);
    const seen = proof.get(`${slo.id} ${slo.objective}`);
    const boundMs = 2 * slo.evaluationInterval.ms;
    if (answer.decision === 'ALLOW') {
      expect(seen?.healthy, `an ALLOW for ${slo.id} without a complete measurement`).toBeDefined();
      expect(elapsedMs(seen!.healthy!, world.clock.now())).toBeLessThanOrEqual(boundMs);
    }
    if (seen?.burning !== undefined && elapsedMs(seen.burning, world.clock.now()) < boundMs) {
      expect(answer.decision, `${slo.id} was seen burning, and nothing measured its rules since`).toBe('BLOCK');
    }
  }

  return {
    async run(one: Command): Promise<void> {
      switch (one.kind) {
        case 'source':
          behaviour = one.behaviour;
          break;
        case 'pass':
          await world.clock.advance(one.ms);
          break;
        case 'setWall':
          world.clock.setWall(one.ms);
          break;
        case 'force':
        case 'ask': {
          // Checked at the moment of the answer: what is measured while time goes on may be another.
          const answered = world.scheduler.evaluateNow(one.id, one.kind === 'force' ? 'forced' : 'first').then(check);
          await world.clock.advance(8_750);
          await answered;
          break;
        }
        case 'change':
        case 'add':
          revision += 1;
          world.files.put(sloOf(one.id, Number((0.99 + revision / 1e5).toFixed(5))));
          break;
        case 'remove':
          world.files.remove(one.id);
          break;
        case 'restart': {
          const slos = [...world.files.catalogue.current().slos.values()].map((loaded) => loaded.slo);
          world.scheduler.stop();
          evaluationsLogged += evaluatedLines(world.log);
          proof.clear();
          world = open(slos);
          break;
        }
      }
      await world.clock.settle();
      for (const one of ids) check(world.scheduler.current(one));
    },
    end() {
      world.scheduler.stop();
      evaluationsLogged += evaluatedLines(world.log);
    },
  };
}

let evaluationsLogged = 0;

function evaluatedLines({ lines }: ReturnType<typeof createRecordingLog>): number {
  return lines.filter(({ message }) => message.startsWith('Evaluated SLO')).length;
}

describe('over random faults, reloads, restarts, clock changes and requests', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-schedules-'));
    storage = await openSqliteStorage({
      path: join(directory, 'aegis.db'),
      log: createRecordingLog(),
      encodeEvidence: (evaluation) => encodeEvidence(evaluation, 'test'),
    });
  });
  afterAll(async () => {
    await storage.close(5_000);
    await rm(directory, { recursive: true, force: true });
  });

  it('an ALLOW rests on a complete, fresh measurement younger than the bound, and a burning service stays blocked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 25 }), async (commands) => {
        const run = createRun();
        try {
          for (const one of commands) await run.run(one);
        } finally {
          run.end();
        }
      }),
      { numRuns: 100 },
    );
    // Every evaluation that was told in the log is a row.
    await storage.log.flush(20_000);
    expect(storage.log.stats()).toMatchObject({ stored: evaluationsLogged, waiting: 0, dropped: 0 });
  });
});
