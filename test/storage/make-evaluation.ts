import type { Decision } from '../../src/slo/decision.ts';
import type { Slo, Window } from '../../src/slo/model.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { GateItem, WindowResult } from '../../src/policy/gate-result.ts';

const minuteMs = 60_000;
export const fiveMinutes: Window = { name: '5m', lengthMs: 5 * minuteMs };
export const oneHour: Window = { name: '1h', lengthMs: 60 * minuteMs };
export const thirtyDays: Window = { name: '30d', lengthMs: 30 * 24 * 60 * minuteMs };

export function makeSlo(id = 'api-availability', { service = 'api', environment = 'production' } = {}): Slo {
  const queries = { good: 'sum(rate(good[{{window}}]))', total: 'sum(rate(total[{{window}}]))' };
  const rule = { name: 'fast-burn', threshold: 14, action: 'BLOCK' as const };
  return {
    id,
    service,
    environment,
    objective: 0.995,
    errorBudget: 0.005,
    complianceWindow: thirtyDays,
    evaluationInterval: { text: '5m', ms: 5 * minuteMs },
    sli: { type: 'availability', goodQuery: queries.good, totalQuery: queries.total },
    rules: [{ ...rule, shortWindow: fiveMinutes, longWindow: oneHour }],
    gating: { minDataPoints: 10, stalenessLimit: { text: '10m', ms: 10 * minuteMs }, noTraffic: 'WARN' },
    document: {
      apiVersion: 'aegis.slo/v1',
      kind: 'SLO',
      metadata: { id, service },
      spec: {
        environment,
        objective: 0.995,
        complianceWindow: '30d',
        evaluationInterval: '5m',
        sli: {
          type: 'availability',
          good: { prometheusQuery: queries.good },
          total: { prometheusQuery: queries.total },
        },
        burnPolicy: { rules: [{ ...rule, shortWindow: '5m', longWindow: '1h' }] },
        gating: { minDataPoints: 10, stalenessLimit: '10m', noTraffic: 'WARN' },
      },
    },
  };
}

export interface EvaluationParts {
  readonly slo?: Slo;
  readonly atMs?: number;
  readonly decision?: Decision;
  readonly items?: readonly GateItem[];
  readonly complianceState?: WindowResult['state'];
  readonly specHash?: string;
}

let made = 0;
const notKnown = { value: null, errorRate: null, burnRate: null };

/** An evaluation with an id of its own; ids grow with the order in which they are made. */
export function makeEvaluation(parts: EvaluationParts = {}): Evaluation {
  const { slo = makeSlo(), atMs = Date.now(), decision = 'ALLOW', complianceState = 'ok' } = parts;
  const number = (made++).toString(16).padStart(6, '0');
  const isFailed = complianceState === 'failed';
  const numbers = { value: 0.9995, errorRate: 0.0005, burnRate: 0.1 };
  const windows: WindowResult[] = [
    { window: thirtyDays, state: complianceState, ...(isFailed ? notKnown : numbers) },
    { window: fiveMinutes, state: 'ok', value: 0.995, errorRate: 0.005, burnRate: 1, threshold: 14 },
    { window: oneHour, state: 'ok', value: 0.995, errorRate: 0.005, burnRate: 1, threshold: 14 },
  ];
  return {
    id: `${idPrefix(atMs)}-7000-8000-${process.pid.toString(16).padStart(6, '0')}${number}`,
    slo,
    specHash: parts.specHash ?? `hash-of-${slo.id}`,
    evaluatedAt: { wallMs: atMs, monotonicMs: 0 },
    adapter: 'synthetic',
    measurement: {
      evaluatedAtMs: atMs,
      windows: [],
      freshness: { state: 'ok', ages: [] },
      points: { state: 'notMeasured' },
      coverage: { state: 'notMeasured' },
      clockSkewMs: null,
      warnings: [],
      infos: [],
      notes: [],
      queries: [],
    },
    result: {
      decision,
      items: parts.items ?? [{ code: 'ok', decision: 'ALLOW', reason: 'all burn rate checks passed' }],
      sli: { value: 0.9995, errorRate: 0.0005, budgetRemaining: 0.9 },
      windows,
      rules: [],
      isStale: false,
      hasNoTraffic: complianceState === 'noData',
      notes: [],
    },
  };
}

function idPrefix(atMs: number): string {
  const time = Math.max(atMs, 0).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}
