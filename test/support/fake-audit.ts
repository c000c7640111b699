import { AegisError } from '../../src/errors.ts';
import type {
  ActivityReader,
  AuditExporter,
  AuditFilter,
  AuditReader,
  AuditStatus,
  DecisionFilter,
  OrderFilter,
  StoredEvaluation,
} from '../../src/storage/ports.ts';

export interface FakeAudit extends AuditReader, ActivityReader {
  readonly exporter: AuditExporter;
  /** What exports consist of, from here on; all of them have one chunk. */
  exports(text: string): void;
  /** The filters that were asked for. */
  readonly asked: readonly (AuditFilter | DecisionFilter | OrderFilter)[];
  /** How many pages have given their memory back. It is written over at once, as the next page would. */
  givenBack(): number;
  status(): AuditStatus;
  store(evaluation: StoredEvaluation): void;
  /** The text of every page from here on, of evaluations unless said. */
  answer(page: string, of?: 'page' | 'decisions' | 'orders'): void;
  /** From here on nothing can be read. */
  breakDown(): void;
}

/** An audit reader in memory; it does not filter. */
export function fakeAudit(): FakeAudit {
  const asked: (AuditFilter | DecisionFilter | OrderFilter)[] = [];
  const rows = new Map<string, StoredEvaluation>();
  const empty = '{"records":[],"total":0,"nextCursor":null}';
  const pages = { page: empty, decisions: empty, orders: empty };
  let givenBack = 0;
  let isBroken = false;
  const read = <T>(value: () => T): Promise<T> =>
    isBroken
      ? Promise.reject(new AegisError('audit_unavailable', 'the audit database cannot be read: database is locked'))
      : Promise.resolve(value());
  const pageOf = (of: keyof typeof pages) => (filter: AuditFilter | DecisionFilter | OrderFilter) => {
    asked.push(filter);
    return read(() => new TextEncoder().encode(pages[of]));
  };
  let exported = '';
  const chunk = () => read(() => ({ bytes: new TextEncoder().encode(exported), next: null }));
  return {
    exporter: { evaluations: chunk, decisions: chunk, orders: chunk },
    exports: (text) => (exported = text),
    asked,
    givenBack: () => givenBack,
    store: (evaluation) => rows.set(evaluation.evaluationId, evaluation),
    answer: (page, of = 'page') => (pages[of] = page),
    breakDown: () => (isBroken = true),
    page: pageOf('page'),
    decisions: pageOf('decisions'),
    orders: pageOf('orders'),
    giveBack(page) {
      givenBack += 1;
      page.fill(0);
    },
    status: () => anAuditStatus(),
    get: (evaluationId) => read(() => rows.get(evaluationId) ?? null),
  };
}

/** How a healthy audit is. */
export function anAuditStatus(status: Partial<AuditStatus> = {}): AuditStatus {
  const none = { stored: 0, waiting: 0, dropped: 0 };
  return {
    state: 'open',
    sinceMs: Date.UTC(2026, 10, 20, 10, 0, 0),
    rows: { evaluation: none, decision: none, order: none },
    lastError: null,
    ...status,
  };
}
