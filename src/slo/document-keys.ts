import { isMap, isScalar, visit, type Document, type Pair, type YAMLMap } from 'yaml';

export interface RepeatedKey {
  readonly key: string;
  /** Offsets in the file. */
  readonly offset: number;
  readonly firstOffset: number;
}

/** Keys that stand twice in one map; YAML forbids them, and the last would count. */
export function repeatedKeys(document: Document.Parsed): RepeatedKey[] {
  const found: RepeatedKey[] = [];
  visit(document, {
    Map: (_, map) => {
      found.push(...repeatedIn(map));
    },
  });
  return found;
}

function repeatedIn(map: YAMLMap): RepeatedKey[] {
  if (!isMap(map)) return [];
  const first = new Map<string, number>();
  return map.items.flatMap((pair: Pair) => {
    if (!isScalar(pair.key) || !pair.key.range) return [];
    const key = String(pair.key.value);
    const offset = pair.key.range[0];
    const firstOffset = first.get(key);
    if (firstOffset === undefined) {
      first.set(key, offset);
      return [];
    }
    return key === '<<' ? [] : [{ key, offset, firstOffset }];
  });
}
