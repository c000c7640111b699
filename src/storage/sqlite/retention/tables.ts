import type { RowKind } from '../../ports.ts';

/** A table that retention takes the oldest rows from. */
export interface SweptTable {
  readonly kind: RowKind;
  readonly name: string;
  /** When a row was written; there is an index for it, which goes on with `idColumn`. */
  readonly timeColumn: string;
  readonly idColumn: string;
}

/**
 * Evaluations go by `created_at`, as in the runbook's own statement: a row that waited for a locked database is as old as
 * its place in the file. The others are stamped when they are made, and written within a second.
 */
export const evaluations: SweptTable = {
  kind: 'evaluation',
  name: 'evaluations',
  timeColumn: 'created_at',
  idColumn: 'id',
};
export const servedDecisions: SweptTable = {
  kind: 'decision',
  name: 'served_decisions',
  timeColumn: 'timestamp',
  idColumn: 'id',
};
export const orders: SweptTable = { kind: 'order', name: 'orders', timeColumn: 'timestamp', idColumn: 'id' };
