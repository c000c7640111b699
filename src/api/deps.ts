import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { AccessControl, Identity, Scope } from '../access/ports.ts';
import type { SloCatalogue } from '../catalogue/ports.ts';
import type { Clock } from '../clock.ts';
import type { Trace } from '../eval/trace.ts';
import type { HealthReport, SystemReport } from '../health/ports.ts';
import type { Log, LogLevel } from '../log.ts';
import type { DecisionSource, Evaluation } from '../policy/decision-source.ts';
import type { EvaluationAnswer } from '../policy/evidence-answer.ts';
import type { Decision } from '../slo/decision.ts';
import type {
  ActivityReader,
  AuditExporter,
  AuditReader,
  AuditStatus,
  OrderRecord,
  ServedDecision,
  StoredEvaluation,
} from '../storage/ports.ts';
import type { CertificateSource } from '../tls/ports.ts';
import type { Rates } from './limits/limits.ts';
import type { Orders } from './orders.ts';
import type { PerformanceReport } from './performance-report.ts';
import type { Readiness, ServerRole } from './readiness.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route has one: `guardRoutes` (access.ts) refuses to start without. */
    readonly access?: RouteAccess;
    /** The handler refuses SLOs that the identity may not see (`refuseOtherSlos`), or leaves them out. */
    readonly perSlo?: true;
  }
  interface FastifyRequest {
    /** Set before anything else is done for a request. */
    identity: Identity;
    /** What is known of it, for its log line. Set before anything else is done for a request. */
    about: About;
  }
}

/** Who may use a route: everybody, whoever may see the metrics, or who has any of these scopes. */
export type RouteAccess = 'open' | 'metrics' | readonly Exclude<Scope, 'admin'>[] | 'admin';

/** What the HTTP API is made of. */
export interface ApiDeps {
  readonly access: AccessControl;
  readonly orders: Orders;
  /** A profile of the main thread, as JSON; ends early where the signal aborts. */
  readonly profile: (kind: 'cpu' | 'heap', forMs: number, signal: AbortSignal) => Promise<string>;
  /** Writes down what was ordered, and by whom. */
  readonly recordOrder: (order: OrderRecord) => void;
  /** Writes down what was answered, and to whom. Called for each decision, so it must cost next to nothing. */
  readonly recordDecision: (decision: ServedDecision) => void;
  readonly catalogue: SloCatalogue;
  readonly decisions: DecisionSource;
  readonly audit: AuditReader;
  readonly activity: ActivityReader;
  readonly exporter: AuditExporter;
  readonly auditStatus: () => AuditStatus;
  readonly log: Log;
  /** Requests that take longer are logged as `slow_request`. */
  readonly slowRequestMs: () => number;
  /** The level of the lines of a route's requests, where one is set. */
  readonly requestLog: () => RequestLog;
  readonly clock: Clock;
  readonly about: Program;
  readonly readiness: () => Readiness;
  readonly health: () => HealthReport;
  readonly system: () => SystemReport;
  /** The evidence of a stored row; null where it has none (rows of the Go original). */
  readonly explain: (stored: StoredEvaluation) => EvaluationAnswer | null;
  readonly explainServed: (evaluation: Evaluation) => EvaluationAnswer;
  readonly edge: Edge;
  /** Without it there is no `/metrics`. */
  readonly metrics?: ApiMetrics;
}

/** A request as it is counted and logged. */
export interface About {
  readonly startedMs: number;
  /** The client's address, which is not known any more when the connection has closed. */
  readonly client: string;
  /** Made for the first who asks: `traceFor` (trace.ts). */
  trace?: Trace;
  sloId?: string;
  evaluationId?: string;
  decision?: Decision;
}

/** What runs here. */
export interface Program {
  readonly version: string;
  readonly adapter: string;
  readonly startedAtMs: number;
  readonly role: ServerRole;
}

/** How the server meets its clients. */
export interface Edge {
  readonly maxConnections: number;
  /** Addresses and networks whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Without it the server speaks plain HTTP. */
  readonly certificates?: CertificateSource | undefined;
  /** Read at each request. */
  readonly rates: () => Rates;
}

/** By the route's pattern; `none` for requests that are for no route. */
export type RequestLog = ReadonlyMap<string, LogLevel | 'off'>;

/** What the API knows of metrics: what it serves, and what it tells of itself. */
export interface ApiMetrics {
  /** Prometheus text format. */
  text(): Promise<{ readonly contentType: string; readonly body: Uint8Array }>;
  onAnswered(request: AnsweredRequest): void;
  performance(): PerformanceReport;
  /** The series of one metric as they are now; none where there is no such metric. */
  read(name: string): Promise<readonly MetricSeries[]>;
}

interface MetricSeries {
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
}

export interface AnsweredRequest {
  /** The route's pattern, never the URL; `none` where there is no such route. */
  readonly route: string;
  readonly method: string;
  /** 499 where the client closed its connection before it had an answer. */
  readonly status: number;
  readonly durationMs: number;
}

/** The application with types taken from the routes' schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
