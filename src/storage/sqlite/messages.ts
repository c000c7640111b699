import type { Decision } from '../../slo/decision.ts';
import type {
  ExportChunk,
  ExportForm,
  OrderRecord,
  Retention,
  RowKind,
  StoredEvaluation,
  SweptKind,
} from '../ports.ts';
import type { ExportKind, Position } from './cursor.ts';
import type { ServedGroup } from './served-groups.ts';

/** A row of `evaluations`, ready to insert. Instants are in the database's form, booleans 0 or 1. */
export interface EvaluationRow {
  readonly evaluationId: string;
  readonly sloId: string;
  readonly service: string;
  readonly environment: string;
  readonly decision: Decision;
  readonly sli: number | null;
  readonly errorRate: number | null;
  readonly budgetRemaining: number | null;
  readonly isStale: 0 | 1;
  readonly hasNoTraffic: 0 | 1;
  readonly reasonsJson: string;
  readonly burnRatesJson: string;
  readonly timestamp: string;
  readonly reasonCodesJson: string;
  readonly evidence: string;
  readonly specHash: string;
  /** Of the latest state alone. */
  readonly keptWindows: string | null;
}

/** A row of `slo_versions`: the document that a hash stands for. */
export interface VersionRow {
  readonly specHash: string;
  readonly documentJson: string;
}

/** A row of `slo_definitions`. */
export interface DefinitionRow {
  readonly id: string;
  readonly service: string;
  readonly environment: string;
  readonly objective: number;
  readonly complianceWindow: string;
  readonly evaluationInterval: string;
  readonly specJson: string;
}

/** A row of `served_decisions`; the writing thread puts it into the database's form, off the way of requests. */
export interface ServedRow extends Omit<ServedGroup, 'serial'> {
  /** UUIDv7, the same when the row is sent again. */
  readonly id: string;
}

/** A row of `orders`. */
export interface OrderRow {
  readonly id: string;
  readonly record: OrderRecord;
}

/** The rows that one transaction writes. */
export interface Rows {
  readonly evaluations: readonly EvaluationRow[];
  readonly versions: readonly VersionRow[];
  readonly decisions: readonly ServedRow[];
  readonly orders: readonly OrderRow[];
}

export const noRows: Rows = { evaluations: [], versions: [], decisions: [], orders: [] };

/** Some of the SLOs that are served now. */
export interface Definitions {
  readonly rows: readonly DefinitionRow[];
  /** The ids of all that are served, with the first slice of them; null with the others. */
  readonly served: readonly string[] | null;
}

/** What became of the file under its path since it was last looked at. */
export type FileState = 'same' | 'replaced' | 'deleted';

export type OpenOutcome =
  | { readonly kind: 'opened' }
  /** Locked, full, read-only: it may be better later. */
  | { readonly kind: 'unavailable'; readonly message: string }
  /** No database of ours: it will not be better, and is left as it is. */
  | { readonly kind: 'unusable'; readonly message: string };

export interface SweepOrder {
  readonly retention: Retention;
  /** Epoch milliseconds, from which ages are counted. */
  readonly nowMs: number;
  /** Begins anew; otherwise the sweep that is under way goes on. */
  readonly isNew: boolean;
}

/** What new rows took in a time. */
export interface Grown {
  readonly bytes: number;
  readonly overMs: number;
}

/** What a sweep came to, when it is done. */
export interface SweepReport {
  readonly deleted: Readonly<Record<SweptKind, number>>;
  /** Since the report before. */
  readonly grown: Grown;
  /** Epoch milliseconds; null where there is no row. */
  readonly oldestMs: Readonly<Record<RowKind, number | null>>;
}

export type SweepStep =
  | { readonly kind: 'changed'; readonly found: FileState }
  | { readonly kind: 'more' }
  /** The log has grown as long as it may, and who reads now keeps it from being written back. */
  | { readonly kind: 'held'; readonly why: string }
  | { readonly kind: 'done'; readonly report: SweepReport };

/** What the writing thread does. Calls run one after another. */
export interface WriterCalls {
  open(): OpenOutcome;
  /** Writes the rows in one transaction, unless the file is no longer the one that was opened. */
  commit(rows: Rows): FileState;
  /** Writes definitions, as `commit` does rows. */
  define(definitions: Definitions): FileState;
  /**
   * Looks whether the file is still the same, and checkpoints when it is time. After `release`: `replaced` as long as
   * our log stands beside a file that is not its own, because another process has it open.
   */
  tick(): FileState;
  /** A slice of retention's work, for a few milliseconds: deletes what is out of bounds, or writes the log back. */
  sweep(order: SweepOrder): SweepStep;
  /** Lets go of a file that was replaced or deleted, without writing to what stands in its place. */
  release(): void;
  close(): void;
}

/** Columns that pages are filtered by; not every table has all of them. */
export type FilterColumn = 'slo_id' | 'service' | 'environment' | 'decision' | 'caller' | 'evaluation_id';

/** A page of a table with its cursor read. */
export interface PageQuery {
  readonly equals: Readonly<Partial<Record<FilterColumn, string>>>;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly limit: number;
  readonly offset?: number;
  readonly after?: Position;
}

/** A stretch of an export. */
export interface ExportQuery extends Pick<PageQuery, 'equals' | 'startMs' | 'endMs' | 'after'> {
  readonly kind: ExportKind;
  readonly form: ExportForm;
}

/** What the reading thread does. */
export interface ReaderCalls {
  evaluations(query: PageQuery): Uint8Array;
  decisions(query: PageQuery): Uint8Array;
  orders(query: PageQuery): Uint8Array;
  export(query: ExportQuery): ExportChunk;
  get(evaluationId: string): StoredEvaluation | null;
  /** Of each SLO that has some. */
  keptWindows(): readonly (readonly [sloId: string, text: string])[];
  /** Closes the connection; the next question opens another. */
  close(): void;
}

/** `replica` reads what another process writes. */
export type Role = 'writer' | 'reader' | 'replica';

/** What a thread is started with. */
export interface WorkerInput {
  readonly role: Role;
  readonly path: string;
}

export interface WorkerRequest {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
  /** Memory of pages that were sent, to be used again. */
  readonly spare: readonly ArrayBuffer[];
}

export type Report = (level: 'info' | 'warn' | 'error', message: string) => void;

export type WorkerMessage =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string }
  | { readonly kind: 'report'; readonly level: 'info' | 'warn' | 'error'; readonly message: string };
