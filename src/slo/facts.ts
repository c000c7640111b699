import { parseDuration } from './duration.ts';
import type { Duration } from './model.ts';

/** What a document says that rules between fields are about. A field that is missing or not allowed is absent here. */
export interface Facts {
  readonly objective?: number;
  readonly complianceWindow?: Duration;
  readonly rules: readonly RuleFacts[];
  readonly goodQuery?: string;
  readonly totalQuery?: string;
  readonly freshnessSelector?: string;
}

export interface RuleFacts {
  readonly name?: string;
  readonly shortWindow?: Duration;
  readonly longWindow?: Duration;
  readonly threshold?: number;
}

/** Reads what can be read of any document, so that one wrong field does not hide what is wrong with the others. */
export function factsOf(document: unknown): Facts {
  const spec = field(document, 'spec');
  const sli = field(spec, 'sli');
  const rules = field(field(spec, 'burnPolicy'), 'rules');
  return {
    ...optional(
      'objective',
      number(field(spec, 'objective'), (x) => x > 0 && x < 1),
    ),
    ...optional('complianceWindow', duration(field(spec, 'complianceWindow'))),
    rules: Array.isArray(rules) ? rules.slice(0, 50).map(ruleFacts) : [],
    ...optional('goodQuery', query(field(field(sli, 'good'), 'prometheusQuery'))),
    ...optional('totalQuery', query(field(field(sli, 'total'), 'prometheusQuery'))),
    ...optional('freshnessSelector', query(field(field(spec, 'gating'), 'freshnessSelector'))),
  };
}

function ruleFacts(rule: unknown): RuleFacts {
  const name = field(rule, 'name');
  return {
    ...optional('name', typeof name === 'string' ? name : undefined),
    ...optional('shortWindow', duration(field(rule, 'shortWindow'))),
    ...optional('longWindow', duration(field(rule, 'longWindow'))),
    ...optional(
      'threshold',
      number(field(rule, 'threshold'), (x) => x > 0),
    ),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  const result: Partial<Record<K, V>> = {};
  if (value !== undefined) result[key] = value;
  return result;
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function number(value: unknown, isAllowed: (x: number) => boolean): number | undefined {
  return typeof value === 'number' && isAllowed(value) ? value : undefined;
}

function duration(value: unknown): Duration | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined;
}

function query(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 10_000 ? value : undefined;
}
