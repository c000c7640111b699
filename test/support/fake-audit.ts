import { AegisError } from '../../src/errors.ts';
import type { AuditFilter, AuditReader, StoredEvaluation } from '../../src/storage/ports.ts';

export interface FakeAudit extends AuditReader {
  /** The filters that were asked for. */
  readonly asked: readonly AuditFilter[];
  store(evaluation: StoredEvaluation): void;
  /** The text of every page from here on. */
  answer(page: string): void;
  /** From here on nothing can be read. */
  breakDown(): void;
}

/** An audit reader in memory; it does not filter. */
export function fakeAudit(): FakeAudit {
  const asked: AuditFilter[] = [];
  const rows = new Map<string, StoredEvaluation>();
  let page = '{"records":[],"total":0,"nextCursor":null}';
  let isBroken = false;
  const read = <T>(value: () => T): Promise<T> =>
    isBroken
      ? Promise.reject(new AegisError('audit_unavailable', 'the audit database cannot be read: database is locked'))
      : Promise.resolve(value());
  return {
    asked,
    store: (evaluation) => rows.set(evaluation.evaluationId, evaluation),
    answer: (next) => (page = next),
    breakDown: () => (isBroken = true),
    page: (filter) => {
      asked.push(filter);
      return read(() => new TextEncoder().encode(page));
    },
    get: (evaluationId) => read(() => rows.get(evaluationId) ?? null),
  };
}
