import { Type } from 'typebox';
import { Value } from 'typebox/value';

/** What a query costs its server. */
export interface QueryStatistics {
  readonly resultType: string;
  /** The server's own count of its time where it tells, else the time of the request. */
  readonly seconds: number;
  /** Samples that the query read; null where the server does not tell. */
  readonly samples: number | null;
  /** The most samples held in memory at once; null where the server does not tell. */
  readonly peakSamples: number | null;
}

// `stats=all` of Prometheus 2.30 and later, and of Thanos. VictoriaMetrics answers with `executionTimeMsec`.
const Answer = Type.Object({
  data: Type.Object({
    resultType: Type.String(),
    stats: Type.Optional(Type.Unknown()),
  }),
});
const Timings = Type.Object({ timings: Type.Object({ evalTotalTime: Type.Number() }) });
const Milliseconds = Type.Object({ executionTimeMsec: Type.Number() });
const Samples = Type.Object({
  samples: Type.Object({ totalQueryableSamples: Type.Number(), peakSamples: Type.Number() }),
});

/** The type of the result of an answer; undefined where the text is no such answer. */
export function resultTypeOf(body: string): string | undefined {
  return answerOf(body)?.data.resultType;
}

/** Reads what stands beside the result of an answer of `/api/v1/query`. */
export function readStatistics(body: string, tookMs: number): QueryStatistics {
  const { resultType, stats } = answerOf(body)?.data ?? { resultType: 'unknown', stats: undefined };
  const samples = Value.Check(Samples, stats) ? stats.samples : undefined;
  return {
    resultType,
    seconds: secondsOf(stats) ?? tookMs / 1000,
    samples: samples?.totalQueryableSamples ?? null,
    peakSamples: samples?.peakSamples ?? null,
  };
}

function secondsOf(stats: unknown): number | undefined {
  if (Value.Check(Timings, stats)) return stats.timings.evalTotalTime;
  return Value.Check(Milliseconds, stats) ? stats.executionTimeMsec / 1000 : undefined;
}

function answerOf(body: string): Type.Static<typeof Answer> | undefined {
  try {
    const answer: unknown = JSON.parse(body);
    return Value.Check(Answer, answer) ? answer : undefined;
  } catch {
    return undefined; // not JSON
  }
}
