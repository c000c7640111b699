import type { Decision } from '../../src/slo/decision.ts';
import type { Duration, Slo, SloDocument, Window } from '../../src/slo/model.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function lengthMs(text: string): number {
  return Number(text.slice(0, -1)) * unitMs[text.slice(-1)]!;
}

const window = (name: string): Window => ({ name, lengthMs: lengthMs(name) });
const duration = (text: string): Duration => ({ text, ms: lengthMs(text) });

export interface SloOptions {
  readonly id?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly objective?: number;
  readonly interval?: string;
  readonly complianceWindow?: string;
  readonly rules?: readonly {
    name: string;
    shortWindow: string;
    longWindow: string;
    threshold: number;
    action?: Decision;
  }[];
  readonly good?: string;
  readonly total?: string;
  readonly gating?: Partial<SloDocument['spec']['gating']>;
}

export const readmeRules = [
  { name: 'fast-burn', shortWindow: '5m', longWindow: '1h', threshold: 14 },
  { name: 'slow-burn', shortWindow: '1h', longWindow: '6h', threshold: 7 },
] as const;

/** The document of an SLO like the README's, with what a test wants changed. */
export function sloDocument(options: SloOptions = {}): SloDocument {
  return {
    apiVersion: 'aegis.slo/v1',
    kind: 'SLO',
    metadata: { id: options.id ?? 'api-availability', service: options.service ?? 'api-gateway' },
    spec: {
      environment: options.environment ?? 'production',
      objective: options.objective ?? 0.995,
      complianceWindow: options.complianceWindow ?? '30d',
      evaluationInterval: options.interval ?? '5m',
      sli: {
        type: 'availability',
        good: { prometheusQuery: options.good ?? 'sum(rate(http_requests_total{status!~"5.."}[{{window}}]))' },
        total: { prometheusQuery: options.total ?? 'sum(rate(http_requests_total[{{window}}]))' },
      },
      burnPolicy: { rules: (options.rules ?? readmeRules).map((rule) => ({ action: 'BLOCK' as const, ...rule })) },
      gating: { minDataPoints: 10, stalenessLimit: '10m', noTraffic: 'WARN', ...options.gating },
    },
  };
}

/** The model of a document, made without the loader, for tests of what comes after it. */
function sloOf(document: SloDocument): Slo {
  const { spec, metadata } = document;
  const { gating } = spec;
  return {
    id: metadata.id,
    service: metadata.service,
    environment: spec.environment,
    objective: spec.objective,
    errorBudget: Number((1 - spec.objective).toPrecision(12)),
    complianceWindow: window(spec.complianceWindow),
    evaluationInterval: duration(spec.evaluationInterval),
    sli: {
      type: spec.sli.type,
      goodQuery: spec.sli.good.prometheusQuery,
      totalQuery: spec.sli.total.prometheusQuery,
    },
    rules: spec.burnPolicy.rules.map((rule) => ({
      name: rule.name,
      threshold: rule.threshold,
      action: rule.action,
      shortWindow: window(rule.shortWindow),
      longWindow: window(rule.longWindow),
    })),
    gating: {
      minDataPoints: gating.minDataPoints,
      stalenessLimit: duration(gating.stalenessLimit),
      noTraffic: gating.noTraffic,
      ...(gating.minCoverage !== undefined && { minCoverage: gating.minCoverage }),
      ...(gating.freshnessSelector !== undefined && { freshnessSelector: gating.freshnessSelector }),
    },
    document,
  };
}

export function anSlo(options: SloOptions = {}): Slo {
  return sloOf(sloDocument(options));
}
