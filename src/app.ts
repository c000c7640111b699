import { createPrometheusAdapter, type PrometheusAdapterOptions } from './adapter/prometheus/adapter.ts';
import { sourceIdOf } from './adapter/prometheus/source-id.ts';
import { queriesAt } from './adapter/prometheus/query-plan.ts';
import { createSyntheticAdapter } from './adapter/synthetic/adapter.ts';
import type { Orders } from './api/orders.ts';
import { createApi } from './api/create-api.ts';
import { warnOfOpenDoor } from './access/open-door.ts';
import { listenOnAdminSocket } from './api/admin-socket.ts';
import { drain } from './api/drain.ts';
import { createReadiness } from './api/readiness.ts';
import { openAccessControl } from './access/create-access.ts';
import { createCatalogue } from './catalogue/catalogue.ts';
import { systemClock, type Clock } from './clock.ts';
import { fixedSettings, type LiveSettings } from './config/live-settings.ts';
import type { Settings } from './config/settings.ts';
import { AegisError, messageOf } from './errors.ts';
import { encodeKept } from './eval/kept-form.ts';
import type { MetricsAdapter } from './eval/measurement.ts';
import type { SourceControl } from './eval/source-control.ts';
import { startHealth } from './health/health.ts';
import { boundGarbage } from './heap-bound.ts';
import { createLifecycle, type Lifecycle, type StopFailure } from './lifecycle.ts';
import type { Log } from './log.ts';
import type { Evaluation } from './policy/decision-source.ts';
import { encodeEvidence } from './policy/evidence.ts';
import { explainRecorded, explainServed } from './policy/explain.ts';
import { logSettings, reloadReport } from './reload.ts';
import { createScheduler } from './scheduler/scheduler.ts';
import { startTakeOver, type TakeOver } from './scheduler/take-over.ts';
import type { AuditStorage } from './storage/ports.ts';
import { openSqliteReplica } from './storage/sqlite/open-replica.ts';
import { openSqliteStorage } from './storage/sqlite/open-storage.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { openCertificates } from './tls/certificates.ts';
import { createProfiler } from './telemetry/profiler.ts';
import { version } from './version.ts';

/** The whole program but argv and signals, so that a test can start it on port 0 and stop it. */
export interface App {
  /**
   * Reads the SLO files while it opens the audit, starts evaluating, then listens. Rejects with `AegisError` where it
   * cannot; `shutting_down` where it was stopped meanwhile.
   */
  start(): Promise<{ readonly url: string }>;
  /** Reads settings and SLO files again. */
  reload(): Promise<void>;
  /** `/readyz` is 503 at once, what was accepted is answered, rows are written. Idempotent, bounded, never rejects. */
  stop(): Promise<readonly StopFailure[]>;
}

/** Open requests are answered within this time of a stop; then their sockets are closed. */
const drainBoundMs = 8_000;
const auditCloseBoundMs = 1_500;
/** A stop waits this long for a start that is under way: a step in its midst is ended where it began. */
const startBoundMs = 6_000;

export interface AppOptions {
  /** What of the settings changes while it runs. Without it, only what is ordered. */
  readonly live?: LiveSettings;
  readonly clock?: Clock;
}

export function createApp(settings: Settings, log: Log, options: AppOptions = {}): App {
  const { live = fixedSettings(settings), clock = systemClock } = options;
  const lifecycle = createLifecycle(log);
  let isListening = false;
  let isDraining = false;
  let isDrainOrdered = false;
  let started: Promise<unknown> = Promise.resolve();
  let reload: () => Promise<unknown> = () => Promise.resolve();

  async function open(): Promise<{ readonly url: string }> {
    const startedAtMs = clock.now().wallMs;
    const role = settings.readOnly ? 'replica' : 'active';
    const catalogue = createCatalogue({ directory: settings.sloDir, log, clock });
    lifecycle.onStop('catalogue', () => catalogue.stop());
    catalogue.onChange((_change, { slos }) => boundGarbage(slos.size));
    // The files are read while the database's threads start.
    const reading = catalogue.start();
    const storage = await openStorage(settings, live, log, clock);
    lifecycle.onStop('audit', () => storage.close(auditCloseBoundMs));
    goOn();

    const { adapter, source } = openSource(settings, lifecycle, {
      ...{ clock, log },
      onOrdered: () => scheduler.evaluateAll(),
      onRequest: (request) => metrics.onSourceRequest(request),
    });

    let slotsMissed = 0;
    const evaluatedOnce = new Set<string>();
    const readiness = createReadiness({
      role,
      catalogue,
      evaluated: (id) => evaluatedOnce.has(id),
      draining: () => (isDraining ? 'stop' : isDrainOrdered ? 'order' : null),
    });
    const metrics = createMetrics({
      catalogue,
      decisions: { current: (id) => scheduler.current(id) },
      audit: storage,
      load: () => scheduler.load(),
      ready: () => readiness().ready,
      refusals: () => access.failures(),
      edge: {
        refused: () => api.limits.refused(),
        connections: () => api.traffic.connections(),
        closed: () => api.traffic.closed(),
        certificates: () => certificates?.status() ?? [],
      },
      source,
      disk: () => health.disk(),
      version,
      monotonicMs: () => clock.now().monotonicMs,
    });
    metrics.onReload('settings', true); // they were read to get here

    const certificates = await openCertificates(settings.tls, {
      clock,
      log,
      onRead: (isOk) => metrics.onReload('certificates', isOk),
    });
    if (certificates !== undefined) lifecycle.onStop('certificates', () => certificates.stop());
    const access = await openAccessControl(settings.access, { clock, log, onReload: metrics.onReload });
    lifecycle.onStop('access', () => access.stop());
    warnOfOpenDoor(settings, access, log);
    goOn();
    const scheduler = createScheduler({
      catalogue,
      adapterOf: () => adapter,
      evaluationLog: storage.log,
      clock,
      log,
      taken: takeOver(settings, storage, clock, log),
      concurrency: settings.evaluationConcurrency,
      deadlineMs: () => live.current().evaluationTimeoutMs,
      onEvaluated(evaluation, durationMs) {
        evaluatedOnce.add(evaluation.slo.id);
        metrics.onEvaluated(evaluation, durationMs);
      },
      onSlotsMissed(_, count) {
        slotsMissed += count;
        metrics.onSlotsMissed(count);
      },
      onSlotTaken: (latenessMs) => metrics.onSlotTaken(latenessMs),
    });
    lifecycle.onStop('scheduler', () => scheduler.stop());

    const health = startHealth({
      ...{ clock, catalogue, source, certificates },
      decisions: scheduler,
      load: () => scheduler.load(),
      slotsMissed: () => slotsMissed,
      database: storage,
      databaseFile: settings.readOnly ? null : settings.db,
    });
    lifecycle.onStop('health', () => health.stop());

    const orders: Orders = {
      async reload() {
        const report = reloadReport({
          settings: live.reload(),
          certificates: await certificates?.reload(),
          ...(await access.reload()),
          catalogue: await catalogue.reload(),
        });
        logSettings(report, log);
        metrics.onReload('settings', report.settings.error === null);
        return report;
      },
      setRateLimit: (rateLimit) => live.order({ rateLimit }),
      setLogLevel: (logLevel) => live.order({ logLevel }),
      breakers: new Map(source && [['prometheus', source.breaker]]),
      drain: (ordered) => (isDrainOrdered = ordered),
    };
    reload = () => orders.reload();

    const api = createApi({
      access,
      orders,
      profile: createProfiler(clock),
      recordOrder: (order) => storage.activity.ordered(order),
      recordDecision(decision) {
        metrics.onServed(decision.decision, decision.wasForced);
        storage.activity.served(decision);
      },
      catalogue,
      decisions: scheduler,
      audit: storage.reader,
      activity: storage.activityReader,
      exporter: storage.exporter,
      auditStatus: storage.status,
      log,
      slowRequestMs: () => live.current().slowRequestMs,
      requestLog: () => live.current().requestLog,
      clock,
      about: { version, adapter: adapter.name, startedAtMs, role },
      readiness,
      health: () => health.report(),
      system: () => health.system(),
      explain: (stored) => explainRecorded(stored, queriesAt),
      explainServed: (evaluation) => explainServed(evaluation, version, queriesAt),
      metrics,
      edge: {
        maxConnections: settings.maxConnections,
        trustedProxies: settings.access.trustedProxies,
        certificates,
        rates: () => live.current(),
      },
    });
    lifecycle.onStop(
      'http',
      async () => {
        const { cutOff } = await drain(api, { boundMs: drainBoundMs, clock });
        if (cutOff > 0) log.warn(`${cutOff} requests were cut off at the stop`, { component: 'server' });
      },
      { boundMs: drainBoundMs + 1_000 },
    );
    await api.ready();

    // The files are read before the port opens, and the port opens as soon as they are read.
    await reading;
    goOn();
    scheduler.start();
    if (settings.adminSocket !== undefined) await listenOnAdminSocket(api.adminServer(), settings.adminSocket, log);
    const plainUrl = await api.listen({ host: settings.host, port: settings.port }).catch((error: unknown) => {
      throw new AegisError(
        'invalid_setting',
        `cannot listen on ${settings.host}:${settings.port}: ${messageOf(error)}`,
      );
    });
    // The framework did not make the server, and takes it for one without TLS.
    const url = certificates === undefined ? plainUrl : plainUrl.replace(/^http:/, 'https:');
    isListening = true;
    log.info(`AegisSLO ${version} listening on ${url}`, { component: 'server', adapter: adapter.name });
    return { url };
  }

  /** A start that was overtaken by a stop opens nothing more. */
  function goOn(): void {
    if (isDraining) throw new AegisError('shutting_down', 'stopped before it had started');
  }

  return {
    start() {
      const opening = open();
      started = opening.catch(messageOf); // the caller has the rejection
      return opening;
    },
    async reload() {
      await reload();
    },
    async stop() {
      isDraining = true;
      await Promise.race([started, clock.sleep(startBoundMs)]);
      if (isListening) await clock.sleep(live.current().shutdownDelayMs);
      return lifecycle.stop();
    },
  };
}

/** The audit of a replica is another server's: nothing that writes to it is made. */
async function openStorage(settings: Settings, live: LiveSettings, log: Log, clock: Clock): Promise<AuditStorage> {
  const { readOnly, db: path } = settings;
  if (readOnly) return openSqliteReplica({ path, log, clock });
  const encode = (evaluation: Evaluation) => encodeEvidence(evaluation, version);
  const retention = {
    current: () => live.current().retention,
    onChange: (listener: () => void) => live.onChange(listener),
  };
  const source = sourceId(settings);
  const encodeKeptOf = ({ kept, specHash }: Evaluation) =>
    kept === null || source === null ? null : encodeKept(kept, { specHash, source });
  return openSqliteStorage({ path, log, clock, encodeEvidence: encode, encodeKept: encodeKeptOf, retention });
}

/** Windows that are kept over a restart are those of one source; reading fixtures costs nothing. */
function sourceId({ prometheus }: Settings): string | null {
  return prometheus === undefined ? null : sourceIdOf(prometheus);
}

function takeOver(settings: Settings, { keptWindows: stored }: AuditStorage, clock: Clock, log: Log): TakeOver {
  const source = sourceId(settings);
  return source === null ? () => Promise.resolve(null) : startTakeOver({ stored, source, clock, log });
}

/** The one metrics source of today; synthetic fixtures need nobody to watch or command them. */
function openSource(settings: Settings, lifecycle: Lifecycle, options: PrometheusAdapterOptions): Source {
  if (settings.prometheus === undefined) return { adapter: createSyntheticAdapter(settings.syntheticFixtures) };
  const adapter = createPrometheusAdapter(settings.prometheus, options);
  lifecycle.onStop('adapter', () => adapter.close());
  return { adapter, source: adapter };
}

interface Source {
  readonly adapter: MetricsAdapter;
  readonly source?: SourceControl;
}
