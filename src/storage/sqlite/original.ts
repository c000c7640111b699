import type { ReasonCode } from '../../policy/gate-result.ts';
import { instantText, parseInstant } from './instant-text.ts';

/** How rows of the Go original (v0.1.0) become ours: pure functions, called from SQL by `migrations.ts`. */

/** An instant with any offset, in our form; text that is none stays as it is, so that no row is lost over it. */
export function migratedInstant(value: unknown): unknown {
  const instant = typeof value === 'string' ? parseInstant(value) : null;
  return instant === null ? value : instantText(instant.epochMs);
}

/**
 * An evaluation id in the form of a UUIDv7, the same whenever the row is migrated. The original's instants go to the
 * nanosecond and ours to the millisecond, so the 20 bits of the rest follow and keep the order within one (RFC 9562,
 * section 6.2, method 3); the row's id stands in the last 48.
 */
export function migratedEvaluationId(timestamp: unknown, id: unknown): string {
  const instant = (typeof timestamp === 'string' ? parseInstant(timestamp) : null) ?? { epochMs: 0, restNs: 0 };
  const time = hex(Math.max(instant.epochMs, 0), 12);
  const rest = hex(instant.restNs, 5);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3)}0-${hex(Number(id), 12)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0').slice(-digits);
}

/** `{"1h": {"Window", "BurnRate", "SLI", "ErrorRate"}}` becomes `{"1h": {"burnRate", "threshold"?}}`. */
export function migratedBurnRates(burnRatesJson: unknown, specJson: unknown): unknown {
  const burnRates = parsed(burnRatesJson);
  if (!isRecord(burnRates)) return burnRatesJson;
  const thresholds = thresholdsIn(parsed(specJson));
  const entries = Object.entries(burnRates).map(([window, rate]) => {
    const burnRate = isRecord(rate) && typeof rate.BurnRate === 'number' ? rate.BurnRate : null;
    return [window, { burnRate, threshold: thresholds.get(window) }];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

/** Of each window the threshold of the first rule that names it. */
function thresholdsIn(spec: unknown): ReadonlyMap<string, number> {
  const thresholds = new Map<string, number>();
  const policy = isRecord(spec) ? spec.BurnPolicy : undefined;
  const rules: unknown = isRecord(policy) ? policy.Rules : undefined;
  for (const rule of Array.isArray(rules) ? (rules as unknown[]) : []) {
    if (!isRecord(rule) || typeof rule.Threshold !== 'number') continue;
    for (const window of [rule.ShortWindow, rule.LongWindow]) {
      if (typeof window === 'string' && !thresholds.has(window)) thresholds.set(window, rule.Threshold);
    }
  }
  return thresholds;
}

const codesOfReasons: readonly (readonly [pattern: RegExp, code: ReasonCode])[] = [
  [/^rule .* triggered: /, 'rule_triggered'],
  [/^all burn rate checks passed$/, 'ok'],
  [/^insufficient data \(zero traffic\)$/, 'no_traffic'],
  [/^insufficient data/, 'few_points'],
  [/^data is stale/, 'stale'],
  [/query failed/, 'query_failed'],
];

/** A code for each reason; none at all where a reason is not known, since codes and reasons belong together by place. */
export function migratedReasonCodes(reasonsJson: unknown): string {
  const reasons = parsed(reasonsJson);
  if (!Array.isArray(reasons)) return '[]';
  const codes = reasons.map((reason) => codesOfReasons.find(([pattern]) => pattern.test(String(reason)))?.[1]);
  return JSON.stringify(codes.includes(undefined) ? [] : codes);
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller keeps the text as it is.
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
