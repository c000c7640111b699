import type { CatalogueSnapshot, SloCatalogue } from '../catalogue/ports.ts';

/** A replica decides like the active server, and keeps no audit of it. */
export const serverRoles = ['active', 'replica'] as const;

export type ServerRole = (typeof serverRoles)[number];

/** The body of `GET /readyz`. */
export interface Readiness {
  readonly ready: boolean;
  readonly slosLoaded: number;
  readonly role: ServerRole;
  /** Why it is not ready; or, where it is, what an operator should look at. */
  readonly reasons?: readonly string[];
}

export interface ReadinessSources {
  readonly role: ServerRole;
  readonly catalogue: SloCatalogue;
  /** Whether an SLO was evaluated, or its evaluation failed, once since the start. */
  readonly evaluated: (sloId: string) => boolean;
  /** From SIGTERM, or an order to drain, on. */
  readonly draining: () => keyof typeof drainings | null;
}

const drainings = {
  stop: 'shutting down',
  order: 'draining by an order, which DELETE /admin/drain ends',
} as const;

/** Ready when every SLO was evaluated, or failed, once since the start. A reload after that takes nothing away. */
export function createReadiness({ role, catalogue, evaluated, draining }: ReadinessSources): () => Readiness {
  let wanted: readonly string[] = [...catalogue.current().slos.keys()];
  /** Of the wanted ones; it only grows shorter, so that ten thousand are not gone through at each look. */
  let left = wanted;
  let reached = false;
  const waiting = () => {
    left = left.filter((id) => !evaluated(id));
    return left.length;
  };
  const look = () => {
    if (!reached) reached = wanted.length > 0 && waiting() === 0;
  };

  catalogue.onChange((change, snapshot) => {
    const removed = new Set(change.removed);
    wanted = wanted.filter((id) => !removed.has(id));
    left = left.filter((id) => !removed.has(id));
    look(); // as it was before the change
    wanted = [...snapshot.slos.keys()];
    left = wanted;
  });

  return () => {
    look();
    const snapshot = catalogue.current();
    const slosLoaded = snapshot.slos.size;
    const reasons: string[] = [];
    const why = draining();
    if (why !== null) reasons.push(drainings[why]);
    if (slosLoaded === 0) reasons.push('no SLOs loaded');
    else if (!reached) reasons.push(`${waiting()} of ${wanted.length} SLOs not evaluated yet`);
    const ready = reasons.length === 0;
    reasons.push(...badFiles(snapshot));
    return { ready, slosLoaded, role, ...(reasons.length > 0 && { reasons }) };
  };
}

function badFiles({ filesInError }: CatalogueSnapshot): readonly string[] {
  return filesInError.map(({ file, problems }) => {
    const [first] = problems;
    return first === undefined ? `file in error: ${file}` : `file in error: ${file}: ${first.message}`;
  });
}
