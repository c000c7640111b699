import type { Decision } from '../slo/decision.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import type { Slo } from '../slo/model.ts';

/** Whether a row is committed, waits for the database to come back, or is kept nowhere, as on a replica. */
export type Appended = 'stored' | 'queued' | 'unkept';

/** An SLO with its hash, as the catalogue serves it. */
export interface DefinedSlo {
  readonly slo: Slo;
  readonly specHash: string;
}

/** The audit's writing side. Nothing here rejects: a database that is locked, full or gone costs no decision. */
export interface EvaluationLog {
  /** Resolves `stored` when the row is committed, `queued` as soon as a commit has failed and it waits, `unkept` at once. */
  append(evaluation: Evaluation): Promise<Appended>;
  /** The set of SLOs that is served now: their definitions are kept, and the latest state of others is removed. */
  define(slos: readonly DefinedSlo[]): void;
  /** Writes what waits, within the bound; resolves when it is written or the bound is over. */
  flush(boundMs: number): Promise<void>;
  /** Counters since the start, for metrics and status. */
  stats(): EvaluationLogStats;
}

export interface EvaluationLogStats extends RowCounts {
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

/**
 * Who was told what, and who ordered what. Takes no time of the caller's: rows are kept in memory and written in batches,
 * within a second where the database can be written. What a killed process has not written yet is lost.
 */
export interface ActivityLog {
  served(decision: ServedDecision): void;
  ordered(order: OrderRecord): void;
  /** Counters since the start. */
  stats(): { readonly decisions: RowCounts; readonly orders: RowCounts };
}

/** The kinds of rows in the audit: also the label of its metrics. */
export const rowKinds = ['evaluation', 'decision', 'order'] as const;

export type RowKind = (typeof rowKinds)[number];

/** How much of the audit is kept; 0 is no bound. */
export interface Retention {
  readonly maxAgeMs: number;
  /** Of evaluations, and of served decisions. */
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** What retention deletes: rows, and versions of SLOs that no row refers to any more. Also the label of its metric. */
export const sweptKinds = [...rowKinds, 'version'] as const;

export type SweptKind = (typeof sweptKinds)[number];

/** What retention does. */
export interface RetentionStatus {
  /** Since the start. */
  readonly deleted: Readonly<Record<SweptKind, number>>;
  /** Epoch milliseconds, as the last sweep left it; null where there is no row. */
  readonly oldestMs: Readonly<Record<RowKind, number | null>>;
  /** When the last sweep was done, epoch milliseconds; null before the first. */
  readonly sweptAtMs: number | null;
  /** What new rows take, by what was seen of the last day; null where that is less than an hour. */
  readonly growthBytesPerDay: number | null;
}

export const neverSwept: RetentionStatus = {
  deleted: { evaluation: 0, decision: 0, order: 0, version: 0 },
  oldestMs: { evaluation: null, decision: null, order: null },
  sweptAtMs: null,
  growthBytesPerDay: null,
};

export interface RowCounts {
  readonly stored: number;
  readonly waiting: number;
  readonly dropped: number;
}

/** How the audit is. */
export interface AuditStatus {
  /**
   * `unavailable`: locked at the start, read-only or gone; it is tried again. `replaced`: another file was put in its
   * place while the server ran; that is served, and takes rows after a restart. `read-only`: this server is a replica,
   * which keeps no rows.
   */
  readonly state: 'open' | 'unavailable' | 'replaced' | 'closed' | 'read-only';
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  readonly rows: Readonly<Record<RowKind, RowCounts>>;
  /** What is in the way of writing now; null where nothing is. */
  readonly lastError: string | null;
}

/** Which rows of a page; times are inclusive epoch milliseconds. */
export interface PageFilter {
  readonly startMs?: number;
  readonly endMs?: number;
  readonly limit: number;
  /** Opaque, from a page's `nextCursor`. */
  readonly cursor?: string;
}

export interface AuditFilter extends PageFilter {
  readonly sloId?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly decision?: Decision;
  readonly offset?: number;
}

export interface DecisionFilter extends PageFilter {
  readonly sloId?: string;
  readonly decision?: Decision;
  readonly caller?: string;
  readonly evaluationId?: string;
}

export interface OrderFilter extends PageFilter {
  readonly caller?: string;
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

/** Lets the memory of a page be used for another one: from then on nobody may read it. Nobody has to. */
export type GiveBack = (page: Uint8Array) => void;

/** The audit's reading side. Rejects with `AegisError('audit_unavailable')` within 2 s where the database cannot be read. */
export interface AuditReader {
  /** UTF-8 JSON of `{records, total, nextCursor}`, newest first. Rejects with `invalid_request` for a cursor that is none of ours. */
  page(filter: AuditFilter): Promise<Uint8Array>;
  readonly giveBack: GiveBack;
  get(evaluationId: string): Promise<StoredEvaluation | null>;
}

/** JSON Lines, or CSV as RFC 4180 has it. */
export const exportForms = ['jsonl', 'csv'] as const;

export type ExportForm = (typeof exportForms)[number];

/** Some lines of an export. */
export interface ExportChunk {
  /** Whole lines in UTF-8; none where no row of this stretch is meant. */
  readonly bytes: Uint8Array;
  /** The cursor of the next chunk; null at the end. */
  readonly next: string | null;
}

type Exported<F extends PageFilter> = Omit<F, 'limit' | 'offset'>;

/**
 * The audit as a whole, in the order in which its rows were written: a row that comes later stands behind every cursor
 * that was given out, however long it waited to be written. Each line has its own cursor. Rejections are those of
 * `AuditReader`.
 */
export interface AuditExporter {
  evaluations(filter: Exported<AuditFilter>, form: ExportForm): Promise<ExportChunk>;
  decisions(filter: Exported<DecisionFilter>, form: ExportForm): Promise<ExportChunk>;
  orders(filter: Exported<OrderFilter>, form: ExportForm): Promise<ExportChunk>;
}

/** The reading side of what was answered and ordered; pages and rejections as those of `AuditReader`. */
export interface ActivityReader {
  decisions(filter: DecisionFilter): Promise<Uint8Array>;
  orders(filter: OrderFilter): Promise<Uint8Array>;
  readonly giveBack: GiveBack;
}

/** What evaluations leave for the first ones after a restart, as it was appended with them. */
export interface KeptWindowsReader {
  /** Texts of eval/kept-form.ts by SLO, of all at once. Rejects with `AegisError('audit_unavailable')`. */
  load(): Promise<ReadonlyMap<string, string>>;
}

/** The audit as a whole. */
export interface AuditStorage {
  readonly log: EvaluationLog;
  readonly reader: AuditReader;
  readonly activity: ActivityLog;
  readonly activityReader: ActivityReader;
  readonly exporter: AuditExporter;
  readonly keptWindows: KeptWindowsReader;
  readonly status: () => AuditStatus;
  readonly retention: () => RetentionStatus;
  /** Calls the listener with the time that each commit took. */
  readonly onCommit: (listener: (durationMs: number) => void) => void;
  /** Writes what waits and closes, within the bound; a clean close leaves one file with every row. Never rejects. */
  close(boundMs: number): Promise<void>;
}
