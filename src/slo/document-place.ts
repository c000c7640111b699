import { isAlias, isMap, isNode, isPair, isScalar, isSeq, type Document, type Node, type Pair } from 'yaml';
import type { JsonPath } from './json-path.ts';
import { characterOffset } from './scalar-offset.ts';
import type { Finding } from './finding.ts';

/** Offset in the file of what a finding points at, or of the nearest thing around it that exists. */
export function offsetOf(document: Document.Parsed, { path, at }: Finding, text: string): number {
  let place = document.contents?.range[0] ?? document.range[0];
  let node: Node | null = document.contents;
  for (const [depth, step] of path.entries()) {
    const resolved: Node | null = isAlias(node) ? (node.resolve(document) ?? null) : node;
    const child = childOf(resolved, step);
    if (child === undefined) return place; // the key is missing: its parent's key is shown
    const last = depth === path.length - 1;
    const key = isPair(child) ? startOf(child.key) : undefined;
    node = valueNode(child);
    const value = startOf(node);
    place = (last && at !== 'key' ? value : key) ?? value ?? key ?? place;
  }
  if (typeof at === 'object' && isScalar(node)) return characterOffset(node, at.character, text);
  return place;
}

/** The text of the value at a path as its file has it; undefined where it is no scalar. */
export function scalarSource(document: Document.Parsed, path: JsonPath, text: string): string | undefined {
  let node: Node | null = document.contents;
  for (const step of path) {
    const resolved: Node | null = isAlias(node) ? (node.resolve(document) ?? null) : node;
    const child = childOf(resolved, step);
    if (child === undefined) return undefined;
    node = valueNode(child);
  }
  return isScalar(node) && node.range ? text.slice(node.range[0], node.range[1]) : undefined;
}

function childOf(node: Node | null, step: string | number): Pair | Node | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return isNode(item) ? item : undefined;
  }
  if (!isMap(node)) return undefined;
  // The last of several equal keys is the one that counts.
  return node.items.findLast((pair) => isScalar(pair.key) && String(pair.key.value) === step);
}

function valueNode(child: Pair | Node): Node | null {
  if (!isPair(child)) return child;
  return isNode(child.value) ? child.value : null;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
