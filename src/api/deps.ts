import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { SloCatalogue } from '../catalogue/ports.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { DecisionSource } from '../policy/decision-source.ts';
import type { EvaluationAnswer } from '../policy/evidence-answer.ts';
import type { AuditReader, StoredEvaluation } from '../storage/ports.ts';

/** What the HTTP API is made of. */
export interface ApiDeps {
  readonly catalogue: SloCatalogue;
  readonly decisions: DecisionSource;
  readonly audit: AuditReader;
  readonly log: Log;
  readonly clock: Clock;
  readonly about: { readonly version: string; readonly adapter: string; readonly startedAtMs: number };
  /** Whether an SLO was evaluated, or its evaluation failed, once since the start. */
  readonly evaluated: (sloId: string) => boolean;
  /** From SIGTERM on. */
  readonly draining: () => boolean;
  /** The evidence of a stored row; null where it has none (rows of the Go original). */
  readonly explain: (stored: StoredEvaluation) => EvaluationAnswer | null;
  /** Without it there is no `/metrics`. */
  readonly metrics?: ApiMetrics;
}

/** What the API knows of metrics: what it serves, and what it tells of itself. */
export interface ApiMetrics {
  /** Prometheus text format. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
  onAnswered(request: AnsweredRequest): void;
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
