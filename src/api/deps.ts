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
  /** Prometheus text; without it there is no `/metrics`. */
  readonly metrics?: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** The application with types taken from the routes' schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
