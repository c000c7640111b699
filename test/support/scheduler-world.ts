import type { CatalogueChange, CatalogueSnapshot, LoadedSlo, SloCatalogue } from '../../src/catalogue/ports.ts';
import type { MeasureRequest, Measurement, MetricsAdapter } from '../../src/eval/measurement.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { EvaluateDeps } from '../../src/scheduler/evaluate.ts';
import { createScheduler } from '../../src/scheduler/scheduler.ts';
import type { Slo } from '../../src/slo/model.ts';
import type { Appended, DefinedSlo, EvaluationLog } from '../../src/storage/ports.ts';
import { aMeasurement } from './evaluation.ts';
import { createRecordingLog } from './recording-log.ts';
import { createVirtualClock } from './virtual-clock.ts';

export interface Asked {
  readonly request: MeasureRequest;
  readonly signal: AbortSignal;
  answer(measurement?: Measurement): void;
}

/** A metrics source whose answers the test gives, or that answers healthy by itself. */
function createAdapter(mode: 'healthy' | 'manual' = 'healthy') {
  const asked: Asked[] = [];
  const state = {
    mode,
    /** What an automatic answer says. */
    measurement: (request: MeasureRequest): Measurement =>
      aMeasurement(request.slo, {}, { evaluatedAtMs: request.evaluatedAtMs }),
  };
  const adapter: MetricsAdapter = {
    name: 'prometheus',
    measure: (request, signal) =>
      new Promise((resolve) => {
        asked.push({ request, signal, answer: (m) => resolve(m ?? state.measurement(request)) });
        if (state.mode === 'healthy') resolve(state.measurement(request));
      }),
  };
  return { adapter, asked, state };
}

function createCatalogueOf(slos: readonly Slo[]) {
  const load = (slo: Slo, revision: number): LoadedSlo => ({
    slo,
    specHash: `${slo.id}-${revision}`,
    sliHash: slo.id,
    file: `${slo.id}.yaml`,
  });
  const set = new Map(slos.map((slo) => [slo.id, load(slo, 0)]));
  const listeners = new Set<(change: CatalogueChange, snapshot: CatalogueSnapshot) => void>();
  let revision = 0;
  const current = (): CatalogueSnapshot => ({
    slos: new Map(set),
    filesInError: [],
    warnings: [],
    files: set.size,
    lastReload: { atMs: 0, outcome: 'ok', message: '' },
  });
  const tell = (change: Partial<CatalogueChange>) => {
    for (const listener of listeners) listener({ added: [], changed: [], removed: [], ...change }, current());
  };
  const catalogue: SloCatalogue = {
    current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload: () => Promise.resolve(current()),
  };
  return {
    catalogue,
    put(slo: Slo) {
      const isNew = !set.has(slo.id);
      revision += 1;
      set.set(slo.id, load(slo, revision));
      tell(isNew ? { added: [slo.id] } : { changed: [slo.id] });
    },
    remove(id: string) {
      set.delete(id);
      tell({ removed: [id] });
    },
  };
}

function createEvaluationLog() {
  const appended: Evaluation[] = [];
  const defined: (readonly DefinedSlo[])[] = [];
  const state: { outcome: () => Promise<Appended> } = { outcome: () => Promise.resolve('stored') };
  const log: EvaluationLog = {
    append(evaluation) {
      appended.push(evaluation);
      return state.outcome();
    },
    define: (slos) => void defined.push(slos),
    flush: () => Promise.resolve(),
    stats: () => ({ stored: appended.length, waiting: 0, dropped: 0, lastError: null }),
  };
  return { log, appended, defined, state };
}

/** The real scheduler in a world of a virtual clock. */
export function createWorld(
  slos: readonly Slo[],
  options: {
    mode?: 'healthy' | 'manual';
    concurrency?: number;
    evaluationLog?: EvaluationLog;
    taken?: EvaluateDeps['taken'];
  } = {},
) {
  const clock = createVirtualClock();
  const source = createAdapter(options.mode);
  const files = createCatalogueOf(slos);
  const audit = createEvaluationLog();
  const log = createRecordingLog();
  const missed: number[] = [];
  const lateness: number[] = [];
  const scheduler = createScheduler({
    catalogue: files.catalogue,
    adapterOf: () => source.adapter,
    evaluationLog: options.evaluationLog ?? audit.log,
    clock,
    log,
    taken: options.taken ?? (() => Promise.resolve(null)),
    concurrency: options.concurrency ?? 10,
    deadlineMs: () => 8_000,
    onEvaluated: () => undefined,
    onSlotsMissed: (_, count) => void missed.push(count),
    onSlotTaken: (latenessMs) => void lateness.push(latenessMs),
  });
  scheduler.start();
  return { clock, source, files, audit, log, missed, lateness, scheduler };
}
