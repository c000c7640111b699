import { connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { openAccess } from '../../src/access/open-access.ts';
import { createApi } from '../../src/api/create-api.ts';
import { createReadiness } from '../../src/api/readiness.ts';
import type { AnsweredRequest, ApiDeps } from '../../src/api/deps.ts';
import { systemClock } from '../../src/clock.ts';
import type { FileInError } from '../../src/catalogue/ports.ts';
import type { OrderRecord, ServedDecision } from '../../src/storage/ports.ts';
import { explainServed } from '../../src/policy/explain.ts';
import type { Slo } from '../../src/slo/model.ts';
import { addPerformanceMetrics } from '../../src/telemetry/performance-metrics.ts';
import { anEvaluation } from './evaluation.ts';
import { fakeAudit, type FakeAudit } from './fake-audit.ts';
import { fakeCatalogue, type FakeCatalogue } from './fake-catalogue.ts';
import { aHealthReport, aSystemReport } from './fake-health.ts';
import { fakeOrders } from './fake-orders.ts';
import { fakeDecisions, type FakeDecisions } from './fake-decisions.ts';
import { createRecordingLog } from './recording-log.ts';
import { anSlo } from './slo.ts';

export interface TestApi {
  readonly app: FastifyInstance;
  readonly catalogue: FakeCatalogue;
  readonly decisions: FakeDecisions;
  readonly audit: FakeAudit;
  readonly log: ReturnType<typeof createRecordingLog>;
  /** What the metrics were told. */
  readonly answered: readonly AnsweredRequest[];
  /** Orders that were written down. */
  readonly ordered: readonly OrderRecord[];
  /** Decisions that were written down. */
  readonly served: readonly ServedDecision[];
}

export interface TestApiOptions {
  /** One like the README's, unless given. */
  readonly slos?: readonly Slo[];
  readonly filesInError?: readonly FileInError[];
  /** The SLOs start without an evaluation. */
  readonly isFresh?: boolean;
  readonly draining?: () => boolean;
  readonly deps?: Partial<ApiDeps>;
}

/** The API over ports in memory; each SLO has a healthy evaluation. */
export function anApi(options: TestApiOptions = {}): TestApi {
  const slos = options.slos ?? [anSlo()];
  const catalogue = fakeCatalogue(slos, options.filesInError);
  const decisions = fakeDecisions();
  if (options.isFresh !== true) for (const slo of slos) decisions.set(anEvaluation({ slo }));
  const audit = fakeAudit();
  const log = createRecordingLog();
  const answered: AnsweredRequest[] = [];
  const ordered: OrderRecord[] = [];
  const served: ServedDecision[] = [];
  const measured = addPerformanceMetrics([], catalogue, () => performance.now());
  const app = createApi({
    access: openAccess,
    orders: fakeOrders(),
    profile: () => Promise.resolve('{}'),
    recordOrder: (order) => void ordered.push(order),
    recordDecision: (decision) => void served.push(decision),
    catalogue,
    decisions,
    audit,
    activity: audit,
    exporter: audit.exporter,
    auditStatus: () => audit.status(),
    log,
    slowRequestMs: () => 2_000,
    requestLog: () => new Map(),
    clock: systemClock,
    about: { version: '0.2.0', adapter: 'prometheus', startedAtMs: Date.UTC(2026, 10, 20, 10, 0, 0), role: 'active' },
    readiness: createReadiness({
      role: 'active',
      catalogue,
      evaluated: (sloId) => decisions.current(sloId) !== undefined,
      draining: () => (options.draining?.() === true ? 'stop' : null),
    }),
    health: () => aHealthReport(),
    system: aSystemReport,
    explain: () => null,
    explainServed: (evaluation) => explainServed(evaluation, '0.2.0', () => []),
    edge: { maxConnections: 8192, trustedProxies: [], rates: () => ({ rateLimit: 0, forcedRateLimit: 0 }) },
    metrics: {
      text: () =>
        Promise.resolve({
          contentType: 'text/plain; version=0.0.4; charset=utf-8',
          body: Buffer.from('aegis_up 1\n'),
        }),
      onAnswered: (request) => void answered.push(request),
      performance: () => measured.report(),
      read: () => Promise.resolve([]),
    },
    ...options.deps,
  });
  return { app, catalogue, decisions, audit, log, answered, ordered, served };
}

/** Lets the application listen on a port of 127.0.0.1 and gives that port. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

export interface RawClient {
  readonly socket: Socket;
  write(text: string): void;
  /** Resolves with all that was received when it matches. */
  received(pattern: RegExp): Promise<string>;
  /** Resolves with all that was received when the server has closed. */
  readonly closed: Promise<string>;
}

/** A client that speaks bytes, for what HTTP libraries do not send. */
export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let look: () => void = () => undefined;
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
    look();
  });
  socket.on('error', () => undefined); // a reset is a close
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return {
    socket,
    closed,
    write: (bytes) => socket.write(bytes),
    received: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (pattern.test(text)) resolve(text);
        };
        look();
        void closed.then(() => reject(new Error(`closed before ${String(pattern)}: ${text}`)));
      }),
  };
}
