import type { AuditFilter, AuditReader } from '../../src/storage/ports.ts';

/** A record of the audit as clients see it. */
export interface AuditRecord {
  readonly id: number;
  readonly evaluationID: string;
  readonly sloID: string;
  readonly service: string;
  readonly environment: string;
  readonly decision: string;
  readonly sli: number | null;
  readonly errorRate: number | null;
  readonly budgetRemaining: number | null;
  readonly isStale: boolean;
  readonly hasNoTraffic: boolean;
  readonly reasons: readonly string[];
  readonly reasonCodes: readonly string[];
  readonly burnRates: Readonly<Record<string, { readonly burnRate: number | null; readonly threshold?: number }>>;
  readonly timestamp: string;
  readonly createdAt: string;
}

export interface AuditPage {
  readonly records: readonly AuditRecord[];
  readonly total: number;
  readonly nextCursor: string | null;
}

export async function readPage(reader: AuditReader, filter: Partial<AuditFilter> = {}): Promise<AuditPage> {
  const bytes = await reader.page({ limit: 100, ...filter });
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  reader.giveBack(bytes); // so that all pages but the first are written over another
  return JSON.parse(text) as AuditPage;
}

/** Every record that the filter finds, page by page; fails rather than go on for ever. */
export async function readAll(reader: AuditReader, filter: Partial<AuditFilter>): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 1_000; pages++) {
    const page = await readPage(reader, cursor === undefined ? filter : { ...filter, cursor });
    records.push(...page.records);
    if (page.nextCursor === null) return records;
    cursor = page.nextCursor;
  }
  throw new Error('a thousand pages and no last one');
}
