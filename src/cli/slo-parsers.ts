import { duration, type Parser } from '../config/parsers.ts';
import { analyze } from '../promql/analyze.ts';
import { hasPlaceholder } from '../promql/window-placeholder.ts';
import type { Matcher } from './slo-draft.ts';

/** One line of so many characters. */
export function line(most: number): Parser<string> {
  return {
    allowed: `one line of 1 to ${most} characters`,
    parse: (text) => (/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(text) && text.length <= most ? text : undefined),
  };
}

export const sloId: Parser<string> = {
  allowed: '3 to 128 letters, digits, dots, underscores and hyphens, a letter or digit first',
  parse: (text) => (/^[a-zA-Z0-9][a-zA-Z0-9._-]{2,127}$/.test(text) ? text : undefined),
};

/** The decimal that was written, not a quotient: 99.9% is the double 0.999. */
export const objective: Parser<number> = {
  allowed: 'a ratio between 0 and 1 like 0.999, or a percentage like 99.9%',
  parse: (text) => {
    const [, digits = '', percent] = /^(\d{0,2}(?:\.\d{1,12})?)\s*(%)?$/.exec(text) ?? [];
    const value = digits === '' ? NaN : Number(percent === undefined ? digits : `${digits}e-2`);
    return value > 0 && value < 1 ? value : undefined;
  },
};

/** Recorded series are left out: their files need a choice of their own (docs/slos.md). */
export const metric: Parser<string> = {
  allowed: 'the name of a metric: letters, digits and underscores, no digit first, at most 200',
  parse: (text) => (/^[a-zA-Z_][a-zA-Z0-9_]{0,199}$/.test(text) ? text : undefined),
};

/** The name of a histogram, where one of its series was named. */
export function histogramOf(name: string): string {
  return name.replace(/_(bucket|count|sum)$/, '');
}

/** Matchers for all queries, without braces: `job="api",region="eu"`. Braces around them are taken off. */
export const selector: Parser<string> = {
  allowed: 'label matchers in PromQL, like job="api",region="eu", or {} for every series of the metric',
  parse: (text) => {
    const matchers = text.replace(/^\s*\{(.*)\}\s*$/, '$1').replace(/^\s+|[\s,]+$/g, '');
    if (matchers === '') return /^\s*\{\s*\}\s*$/.test(text) ? '' : undefined;
    return isSelector(`x{${matchers}}`) ? matchers : undefined;
  },
};

/** One matcher, which can be turned into its opposite. */
export const matcher: Parser<Matcher> = {
  allowed: 'one label matcher in PromQL that errors have, like status=~"5.."',
  parse: (text) => {
    const [, label = '', operator, literal = ''] =
      /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")\s*$/.exec(text) ?? [];
    if (operator !== '=' && operator !== '!=' && operator !== '=~' && operator !== '!~') return undefined;
    return isSelector(`x{${label}${operator}${literal}}`) ? { label, operator, literal } : undefined;
  },
};

function isSelector(query: string): boolean {
  if (hasPlaceholder(query) || /\p{Cc}/u.test(query)) return false;
  const analysis = analyze(query);
  return analysis.ok && analysis.isSelector;
}

/** A bound as a decimal that PromQL and JavaScript read alike. */
export const bound: Parser<number> = {
  allowed: 'a number like 1000 or 0.85',
  parse: (text) => (/^-?\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined),
};

export const threshold = duration('1ms', '10m');

/** With more than a minute the shortest window, 5m, has too few samples for a rate. */
export const scrapeInterval = duration('1s', '1m');
