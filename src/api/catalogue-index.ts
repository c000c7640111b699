import type { CatalogueSnapshot, LoadedSlo } from '../catalogue/ports.ts';

/**
 * What routes look up in a snapshot otherwise than by id. Made with the first question after a change, not with each: a
 * snapshot is never changed, and goes with its index.
 */
interface Index {
  /** In the order of their ids. */
  readonly byId: readonly LoadedSlo[];
  /** In the order of the catalogue, by service and then by environment. */
  readonly byService: ReadonlyMap<string, ReadonlyMap<string, readonly LoadedSlo[]>>;
}

const indexes = new WeakMap<CatalogueSnapshot['slos'], Index>();

/** The SLOs whose ids come after this one; all where there is none. */
export function* slosBehind({ slos }: CatalogueSnapshot, id: string | undefined): Generator<LoadedSlo> {
  const { byId } = indexOf(slos);
  for (let at = id === undefined ? 0 : firstBehind(byId, id); at < byId.length; at += 1) {
    const loaded = byId[at];
    if (loaded !== undefined) yield loaded;
  }
}

/** The SLOs of a service in one environment. */
export function slosOf({ slos }: CatalogueSnapshot, service: string, environment: string): readonly LoadedSlo[] {
  return indexOf(slos).byService.get(service)?.get(environment) ?? [];
}

function indexOf(slos: CatalogueSnapshot['slos']): Index {
  const known = indexes.get(slos);
  if (known !== undefined) return known;
  const byService = new Map<string, Map<string, LoadedSlo[]>>();
  for (const loaded of slos.values()) {
    const { service, environment } = loaded.slo;
    const environments = byService.get(service) ?? new Map<string, LoadedSlo[]>();
    byService.set(service, environments);
    const all = environments.get(environment);
    if (all === undefined) environments.set(environment, [loaded]);
    else all.push(loaded);
  }
  const byId = [...slos.values()].sort((a, b) => (a.slo.id < b.slo.id ? -1 : 1));
  const fresh = { byId, byService };
  indexes.set(slos, fresh);
  return fresh;
}

function firstBehind(byId: readonly LoadedSlo[], id: string): number {
  let [low, high] = [0, byId.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((byId[middle]?.slo.id ?? '') > id) high = middle;
    else low = middle + 1;
  }
  return low;
}
