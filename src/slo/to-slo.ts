import { parseDuration } from './duration.ts';
import { errorBudget } from './error-budget.ts';
import { inOnePiece } from './in-one-piece.ts';
import type { Duration, Slo, SloDocument, Window } from './model.ts';
import type { SloFile } from './schema.ts';

/** The SLO that a document without errors says. */
export function toSlo(file: SloFile): Slo {
  const document = inOnePiece(withDefaults(file));
  const { metadata, spec } = document;
  const { thresholdMs } = spec.sli;
  return {
    id: metadata.id,
    service: metadata.service,
    environment: spec.environment,
    objective: spec.objective,
    errorBudget: errorBudget(spec.objective),
    complianceWindow: windowOf(spec.complianceWindow),
    evaluationInterval: durationOf(spec.evaluationInterval),
    sli: {
      type: spec.sli.type,
      ...(thresholdMs === undefined ? {} : { thresholdMs }),
      goodQuery: spec.sli.good.prometheusQuery,
      totalQuery: spec.sli.total.prometheusQuery,
    },
    rules: spec.burnPolicy.rules.map((rule) => ({
      ...rule,
      shortWindow: windowOf(rule.shortWindow),
      longWindow: windowOf(rule.longWindow),
    })),
    gating: { ...spec.gating, stalenessLimit: durationOf(spec.gating.stalenessLimit) },
    document,
  };
}

/** The document with its defaults, its keys in the order of the schema. */
function withDefaults({ apiVersion, kind, metadata, spec }: SloFile): SloDocument {
  const { id, service, owner, description, labels, annotations } = metadata;
  const { sli, gating } = spec;
  return {
    apiVersion,
    kind,
    metadata: {
      id,
      service,
      ...(owner === undefined ? {} : { owner }),
      ...(description === undefined ? {} : { description }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      environment: spec.environment,
      objective: spec.objective,
      complianceWindow: spec.complianceWindow,
      evaluationInterval: spec.evaluationInterval,
      sli: {
        type: sli.type,
        ...(sli.thresholdMs === undefined ? {} : { thresholdMs: sli.thresholdMs }),
        good: { prometheusQuery: sli.good.prometheusQuery },
        total: { prometheusQuery: sli.total.prometheusQuery },
      },
      burnPolicy: {
        rules: spec.burnPolicy.rules.map(({ name, shortWindow, longWindow, threshold, action = 'BLOCK' }) => ({
          name,
          shortWindow,
          longWindow,
          threshold,
          action,
        })),
      },
      gating: {
        minDataPoints: gating.minDataPoints,
        stalenessLimit: gating.stalenessLimit,
        ...(gating.minCoverage === undefined ? {} : { minCoverage: gating.minCoverage }),
        noTraffic: gating.noTraffic ?? 'WARN',
        ...(gating.freshnessSelector === undefined ? {} : { freshnessSelector: gating.freshnessSelector }),
      },
    },
  };
}

function windowOf(text: string): Window {
  return { name: text, lengthMs: durationOf(text).ms };
}

function durationOf(text: string): Duration {
  const duration = parseDuration(text);
  if (duration === undefined) throw new Error(`${text} is no duration, though its document was checked`);
  return duration;
}
