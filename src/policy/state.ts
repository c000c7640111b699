import { worst, type Decision } from '../slo/decision.ts';
import type { Served } from './decision-source.ts';
import { standingDecision } from './answer.ts';
import type { ReasonCode } from './gate-result.ts';

/** The body of `GET /v1/state/{service}/{env}` (docs/api.md). */
export interface StateAnswer {
  readonly service: string;
  readonly environment: string;
  /** The worst of all. */
  readonly decision: Decision;
  readonly slos: readonly string[];
  readonly decisions: Readonly<Record<string, Decision>>;
  /** Each once; `ok` only where nothing else is said. */
  readonly reasonCodes: readonly ReasonCode[];
  /** Files that declare this service and environment and did not load as they stand. */
  readonly filesInError: readonly string[];
  /** RFC 3339 UTC: the instant of the newest evaluation; null where there is none. */
  readonly lastUpdated: string | null;
}

export interface StateQuestion {
  readonly service: string;
  readonly environment: string;
  readonly slos: readonly { readonly id: string; readonly served: Served | undefined }[];
  readonly filesInError: readonly string[];
}

/** The state of a service: the worst of its SLOs at their age; what is not known (no evaluation yet, a file in error) is a WARN. */
export function stateOf({ service, environment, slos, filesInError }: StateQuestion): StateAnswer {
  const standing = slos.map(({ id, served }) => ({ id, ...standingOf(served) }));
  const all = [...standing.flatMap(({ codes }) => codes), ...filesInError.map((): ReasonCode => 'file_error')];
  const notable = [...new Set(all)].filter((code) => code !== 'ok');
  const instants = slos.flatMap(({ served }) => (served ? [served.evaluation.evaluatedAt.wallMs] : []));
  return {
    service,
    environment,
    decision: worst([...standing.map(({ decision }) => decision), ...filesInError.map((): Decision => 'WARN')]),
    slos: slos.map(({ id }) => id),
    decisions: Object.fromEntries(standing.map(({ id, decision }) => [id, decision])),
    reasonCodes: notable.length > 0 ? notable : ['ok'],
    filesInError,
    lastUpdated: instants.length > 0 ? new Date(Math.max(...instants)).toISOString() : null,
  };
}

function standingOf(served: Served | undefined): { decision: Decision; codes: readonly ReasonCode[] } {
  if (served === undefined) return { decision: 'WARN', codes: ['not_evaluated'] };
  const { decision, items } = standingDecision(served);
  return { decision, codes: items.map((item) => item.code) };
}
