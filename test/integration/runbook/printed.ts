import { expect } from 'vitest';
import type { Block } from '../../support/runbook-page.ts';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const instant = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g;

/** Text without what differs from run to run: instants, ids, the widths of columns. */
function settled(text: string): string {
  return text
    .replaceAll(instant, '<instant>')
    .replaceAll(uuid, '<id>')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

/** What the page prints, as a pattern: `…` is any text of a line, and alone on a line any lines. */
function pattern(text: string): RegExp {
  const escaped = settled(text).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const lines = escaped
    .replaceAll(/\n…(?=\n|$)/g, String.raw`(\n[\s\S]*?)?`)
    .replace(/^…\n/, String.raw`([\s\S]*?\n)?`);
  return new RegExp(`^${lines.replaceAll('…', '.*?')}$`);
}

function wildcards(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('…') ? expect.stringMatching(pattern(value)) : settled(value);
  if (Array.isArray(value)) return value.map(wildcards);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, wildcards(one)]));
  return value;
}

function settledValues(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? settled(value) : value;
}

/** Compares what came with the page's output block: JSON has at least its keys, text its lines. */
export function expectPrinted({ language, text }: NonNullable<Block['expected']>, came: string): void {
  if (language === 'json') expect(JSON.parse(came, settledValues)).toMatchObject(wildcards(JSON.parse(text)) as object);
  else expect(settled(came)).toMatch(pattern(text));
}
