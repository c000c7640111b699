import type { ActivityReader, AuditFilter, AuditReader, PageFilter } from '../ports.ts';
import { decodeCursor, type PageKind } from './cursor.ts';
import type { FilterColumn, PageQuery } from './messages.ts';
import type { ReadingThread } from './reading-thread.ts';

/** The reading ports over the reading thread. */
export function auditReader(database: Pick<ReadingThread, 'read'>): AuditReader {
  return {
    async page({ sloId, service, environment, decision, ...page }) {
      const equals = { slo_id: sloId, service, environment, decision };
      return database.read('evaluations', pageQuery('evaluations', equals, page));
    },
    get: (evaluationId) => database.read('get', evaluationId),
  };
}

export function activityReader(database: Pick<ReadingThread, 'read'>): ActivityReader {
  return {
    async decisions({ sloId, decision, caller, evaluationId, ...page }) {
      const equals = { slo_id: sloId, decision, caller, evaluation_id: evaluationId };
      return database.read('decisions', pageQuery('decisions', equals, page));
    },
    async orders({ caller, ...page }) {
      return database.read('orders', pageQuery('orders', { caller }, page));
    },
  };
}

function pageQuery(
  kind: PageKind,
  equals: Partial<Record<FilterColumn, string | undefined>>,
  { cursor, ...page }: PageFilter & Pick<AuditFilter, 'offset'>,
): PageQuery {
  return {
    ...page,
    equals: Object.fromEntries(Object.entries(equals).filter(([, value]) => value !== undefined)),
    ...(cursor !== undefined && { after: decodeCursor(kind, cursor) }),
  };
}
