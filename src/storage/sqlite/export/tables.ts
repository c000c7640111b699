import { ordersTable, servedDecisionsTable } from '../activity-pages.ts';
import type { ExportKind } from '../cursor.ts';
import { evaluationsTable } from '../evaluations-page.ts';
import type { PagedTable, TimeSpan } from '../page.ts';

/** A table in the order in which its rows were written. */
export interface ExportedTable {
  readonly name: string;
  readonly columns: string;
  readonly idColumn: string;
  readonly span: TimeSpan | undefined;
  /** There is an index for it. */
  readonly writtenColumn: 'created_at' | 'timestamp';
  /** The columns of a CSV, and the keys of a record. */
  readonly fields: readonly string[];
  readonly record: (row: ExportedRow) => object;
}

/** A row of any of the tables: what all of them have. */
export interface ExportedRow {
  /** When it was written. */
  readonly exportedAt: string | number;
  readonly exportedId: string;
}

const activityFields = ['caller', 'address', 'requestId'];

export const exportedTables: Readonly<Record<ExportKind, ExportedTable>> = {
  exportedEvaluations: exported(evaluationsTable, 'created_at', [
    ...['id', 'evaluationID', 'sloID', 'service', 'environment', 'decision', 'sli', 'errorRate', 'budgetRemaining'],
    ...['isStale', 'hasNoTraffic', 'reasons', 'reasonCodes', 'burnRates', 'timestamp', 'createdAt'],
  ]),
  exportedDecisions: exported(servedDecisionsTable, 'timestamp', [
    ...['id', 'timestamp', 'sloID', 'decision', 'evaluationID', 'forced', ...activityFields],
    ...['count', 'lastTimestamp', 'requestIds', 'offsetsMs'],
  ]),
  exportedOrders: exported(ordersTable, 'timestamp', [
    ...['id', 'timestamp', 'order', 'parameters', 'outcome', ...activityFields],
  ]),
};

function exported<Row extends { readonly timestamp: string | number }>(
  { name, columns, idColumn, span, record }: PagedTable<Row>,
  writtenColumn: ExportedTable['writtenColumn'],
  fields: readonly string[],
): ExportedTable {
  return {
    ...{ name, idColumn, span, writtenColumn, fields },
    columns: `${columns}, ${writtenColumn} AS exportedAt, ${idColumn} AS exportedId`,
    record: (row) => record(row as ExportedRow & Row), // the columns that were asked for are those of the table
  };
}
