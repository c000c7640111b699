import { ordersTable, servedDecisionsTable } from '../activity-pages.ts';
import type { ExportKind } from '../cursor.ts';
import { evaluationsTable } from '../evaluations-page.ts';
import type { PagedTable } from '../page.ts';

/** A table in the order in which its rows were written. */
export interface ExportedTable extends Pick<PagedTable, 'name' | 'idColumn' | 'span' | 'fields'> {
  /** There is an index for it. */
  readonly writtenColumn: 'created_at' | 'timestamp';
}

export const exportedTables: Readonly<Record<ExportKind, ExportedTable>> = {
  exportedEvaluations: { ...evaluationsTable, writtenColumn: 'created_at' },
  exportedDecisions: { ...servedDecisionsTable, writtenColumn: 'timestamp' },
  exportedOrders: { ...ordersTable, writtenColumn: 'timestamp' },
};
