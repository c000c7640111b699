import type {
  ActivityReader,
  AuditExporter,
  AuditFilter,
  AuditReader,
  ExportForm,
  KeptWindowsReader,
  PageFilter,
} from '../ports.ts';
import { decodeCursor, type ExportKind, type PageKind } from './cursor.ts';
import type { ExportQuery, FilterColumn, PageQuery } from './messages.ts';
import type { ReadingThread } from './reading-thread.ts';

/** The reading ports over the reading thread. */
export function auditReader(database: Pick<ReadingThread, 'read' | 'giveBack'>): AuditReader {
  return {
    async page({ sloId, service, environment, decision, ...page }) {
      const equals = { slo_id: sloId, service, environment, decision };
      return database.read('evaluations', pageQuery('evaluations', equals, page));
    },
    giveBack: database.giveBack,
    get: (evaluationId) => database.read('get', evaluationId),
  };
}

export function activityReader(database: Pick<ReadingThread, 'read' | 'giveBack'>): ActivityReader {
  return {
    async decisions({ sloId, decision, caller, evaluationId, ...page }) {
      const equals = { slo_id: sloId, decision, caller, evaluation_id: evaluationId };
      return database.read('decisions', pageQuery('decisions', equals, page));
    },
    async orders({ caller, ...page }) {
      return database.read('orders', pageQuery('orders', { caller }, page));
    },
    giveBack: database.giveBack,
  };
}

export function auditExporter(database: Pick<ReadingThread, 'read'>): AuditExporter {
  return {
    async evaluations({ sloId, service, environment, decision, ...range }, form) {
      const equals = { slo_id: sloId, service, environment, decision };
      return database.read('export', exportQuery('exportedEvaluations', form, equals, range));
    },
    async decisions({ sloId, decision, caller, evaluationId, ...range }, form) {
      const equals = { slo_id: sloId, decision, caller, evaluation_id: evaluationId };
      return database.read('export', exportQuery('exportedDecisions', form, equals, range));
    },
    async orders({ caller, ...range }, form) {
      return database.read('export', exportQuery('exportedOrders', form, { caller }, range));
    },
  };
}

export function keptWindowsReader(database: Pick<ReadingThread, 'read'>): KeptWindowsReader {
  return {
    load: async () => new Map(await database.read('keptWindows')),
  };
}

type Equals = Partial<Record<FilterColumn, string | undefined>>;

function pageQuery(
  kind: PageKind,
  equals: Equals,
  { cursor, ...page }: PageFilter & Pick<AuditFilter, 'offset'>,
): PageQuery {
  return {
    ...page,
    equals: given(equals),
    ...(cursor !== undefined && { after: decodeCursor(kind, cursor) }),
  };
}

function exportQuery(
  kind: ExportKind,
  form: ExportForm,
  equals: Equals,
  { cursor, ...range }: Omit<PageFilter, 'limit'>,
): ExportQuery {
  return {
    ...{ ...range, kind, form },
    equals: given(equals),
    ...(cursor !== undefined && { after: decodeCursor(kind, cursor) }),
  };
}

function given(equals: Equals): PageQuery['equals'] {
  return Object.fromEntries(Object.entries(equals).filter(([, value]) => value !== undefined));
}
