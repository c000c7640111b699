import { Type, type Static } from 'typebox';
import { NumberOrNull } from './schemas.ts';

const Latencies = Type.Object({
  count: Type.Number(),
  perSecond: Type.Number(),
  errorRate: Type.Union([Type.Number(), Type.Null()], {
    description: 'Of requests: the share of 5xx. Of evaluations: of failed ones.',
  }),
  latencyMs: Type.Object({
    p50: NumberOrNull,
    p90: NumberOrNull,
    p95: NumberOrNull,
    p99: NumberOrNull,
    max: NumberOrNull,
  }),
});

const timed = {
  recent: Latencies,
  sinceStart: Latencies,
};

/** What `/metrics/performance` tells; telemetry/ makes it. */
export const PerformanceSchema = Type.Object(
  {
    recentSeconds: Type.Number({ description: 'How far back `recent` looks: five to six minutes.' }),
    uptimeSeconds: Type.Number(),
    requests: Type.Object(timed),
    routes: Type.Array(Type.Object({ route: Type.String(), ...timed }), {
      description: 'Those that were asked for, the busiest first.',
    }),
    evaluations: Type.Object(timed),
    slowestSlos: Type.Array(
      Type.Object({ sloID: Type.String(), p95Ms: Type.Number(), maxMs: Type.Number(), latestMs: Type.Number() }),
      { description: 'The ten that take longest, each by its latest 20 evaluations.' },
    ),
  },
  { description: 'Latencies are exact to one percent; null where there was none.' },
);

export type PerformanceReport = Static<typeof PerformanceSchema>;
