import type { CatalogueChange, CatalogueSnapshot, FileInError, SloCatalogue } from '../../src/catalogue/ports.ts';
import type { Slo } from '../../src/slo/model.ts';

export interface FakeCatalogue extends SloCatalogue {
  /** Replaces the set and tells the listeners, as a reload does. */
  replace(slos: readonly Slo[], filesInError?: readonly FileInError[]): void;
}

/** A catalogue in memory. */
export function fakeCatalogue(slos: readonly Slo[], filesInError: readonly FileInError[] = []): FakeCatalogue {
  let snapshot = snapshotOf(slos, filesInError);
  const listeners = new Set<(change: CatalogueChange, snapshot: CatalogueSnapshot) => void>();
  return {
    current: () => snapshot,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload: () => Promise.resolve(snapshot),
    replace: (next, nextInError = []) => {
      const before = snapshot.slos;
      snapshot = snapshotOf(next, nextInError);
      const change: CatalogueChange = {
        added: [...snapshot.slos.keys()].filter((id) => !before.has(id)),
        changed: [...snapshot.slos]
          .filter(([id, { slo }]) => before.has(id) && before.get(id)?.slo !== slo)
          .map(([id]) => id),
        removed: [...before.keys()].filter((id) => !snapshot.slos.has(id)),
      };
      for (const listener of listeners) listener(change, snapshot);
    },
  };
}

function snapshotOf(slos: readonly Slo[], filesInError: readonly FileInError[]): CatalogueSnapshot {
  return {
    slos: new Map(
      slos.map((slo) => [slo.id, { slo, specHash: 'a'.repeat(64), sliHash: 'b'.repeat(64), file: `${slo.id}.yaml` }]),
    ),
    filesInError,
    warnings: [],
    files: slos.length + filesInError.length,
    lastReload: {
      atMs: Date.UTC(2026, 10, 20, 11, 0, 0),
      outcome: filesInError.length > 0 ? 'errors' : 'ok',
      message: `Loaded ${slos.length} SLOs`,
    },
  };
}

/** A file that did not load, because of its objective. */
export function aFileInError(file: string, rest: Partial<FileInError> = {}): FileInError {
  return {
    file,
    problems: [
      {
        severity: 'error',
        file,
        line: 8,
        column: 14,
        path: 'spec.objective',
        message: 'must be less than 1, not 99.5',
        lineText: '  objective: 99.5',
      },
    ],
    declares: [],
    keeps: [],
    ...rest,
  };
}
