import type { Decision } from '../slo/decision.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import type { Slo } from '../slo/model.ts';

/** Whether a row is committed, or waits for the database to come back. */
export type Appended = 'stored' | 'queued';

/** An SLO with its hash, as the catalogue serves it. */
export interface DefinedSlo {
  readonly slo: Slo;
  readonly specHash: string;
}

/** The audit's writing side. Nothing here rejects: a database that is locked, full or gone costs no decision. */
export interface EvaluationLog {
  /** Resolves `stored` when the row is committed, `queued` as soon as a commit has failed and the row waits for another. */
  append(evaluation: Evaluation): Promise<Appended>;
  /** The set of SLOs that is served now: their definitions are kept, and the latest state of others is removed. */
  define(slos: readonly DefinedSlo[]): void;
  /** Writes what waits, within the bound; resolves when it is written or the bound is over. */
  flush(boundMs: number): Promise<void>;
  /** Counters since the start, for metrics and status. */
  stats(): EvaluationLogStats;
}

export interface EvaluationLogStats {
  readonly stored: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly lastError: string | null;
}

/** One decision as it was answered: who was told what, from which evaluation. */
export interface ServedDecision {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly sloId: string;
  readonly decision: Decision;
  readonly evaluationId: string;
  readonly wasForced: boolean;
  /** Name of the identity that asked (access/ports.ts). */
  readonly caller: string;
  readonly address: string;
  readonly requestId: string;
}

/** One order of an operator. */
export interface OrderRecord {
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Method and path, such as `POST /admin/reload`. */
  readonly order: string;
  /** Its parameters, without secrets. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What came of it, in a sentence. */
  readonly outcome: string;
  readonly caller: string;
  readonly address: string;
  readonly requestId: string;
}

/** Every field is optional but the limit; times are inclusive epoch milliseconds. */
export interface AuditFilter {
  readonly sloId?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly decision?: Decision;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly limit: number;
  readonly offset?: number;
  /** Opaque, from a page's `nextCursor`. */
  readonly cursor?: string;
}

/** A stored evaluation with its evidence, as text. */
export interface StoredEvaluation {
  readonly evaluationId: string;
  readonly sloId: string;
  readonly decision: Decision;
  readonly reasons: readonly string[];
  /** Epoch milliseconds. */
  readonly evaluatedAtMs: number;
  /** policy/evidence.ts, compact JSON. Empty object where the row has none (rows of the Go original). */
  readonly evidenceJson: string;
  /** The SLO document as it stood, as JSON; null where it was not kept. */
  readonly documentJson: string | null;
  readonly specHash: string | null;
}

/** The audit's reading side. Rejects with `AegisError('audit_unavailable')` within 2 s where the database cannot be read. */
export interface AuditReader {
  /** UTF-8 JSON of `{records, total, nextCursor}`, newest first. Rejects with `invalid_request` for a cursor that is none of ours. */
  page(filter: AuditFilter): Promise<Uint8Array>;
  get(evaluationId: string): Promise<StoredEvaluation | null>;
}
