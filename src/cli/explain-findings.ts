import { exceedsPlausibly } from '../eval/arithmetic.ts';
import type { Failure, Measurement, SentQuery, WindowMeasurement } from '../eval/measurement.ts';
import { failuresOf } from '../policy/data-items.ts';
import type { GateItem, GateResult } from '../policy/gate-result.ts';
import { doubtNotes } from '../policy/notes.ts';
import type { Decision } from '../slo/decision.ts';
import type { Slo } from '../slo/model.ts';
import { currentWindow } from './explain-budget.ts';
import type { Evidence } from './explain-evaluation.ts';

/** The reasons with those that make the decision first; what the evaluation did not say (its age) is a WARN. */
export function rankReasons(
  decision: Decision,
  reasons: readonly string[],
  items: readonly GateItem[],
): readonly string[] {
  const makesIt = (reason: string) => (items.find((item) => item.reason === reason)?.decision ?? 'WARN') === decision;
  return [...reasons.filter(makesIt), ...reasons.filter((reason) => !makesIt(reason))];
}

/** What is not known and why: what failed, what has no data, what is old. */
export function unknowns(slo: Slo, measurement: Measurement): readonly string[] {
  const failed = failuresOf(slo, measurement).map(({ window, failure }) => failureText(failure, window));
  return [...failed, ...doubtNotes(slo, measurement)];
}

function failureText({ role, reason, detail, attempts }: Failure, window: string | undefined): string {
  const asked = attempts === 0 ? 'not asked' : attempts === 1 ? 'asked once' : `asked ${attempts} times`;
  return `${role}${window === undefined ? '' : ` of ${window}`}: ${reason}: ${detail} (${asked})`;
}

/** The queries that show the one reason, to be pasted into Prometheus. */
export function queriesToPaste(evidence: Evidence): readonly SentQuery[] {
  const { slo, result, queries } = evidence;
  const main = result.items.find((item) => item.decision === result.decision);
  const { roles, window } = subjectOf(main?.code, evidence) ?? {
    roles: ['good', 'total'],
    window: (currentWindow(slo, result) ?? result.windows[0])?.window.name,
  };
  return queries.filter((query) => roles.includes(query.role) && (window === undefined || query.window === window));
}

interface Subject {
  readonly roles: readonly string[];
  readonly window?: string | undefined;
}

/** Of a finding about the data, what to look at; other findings are about burn rates. */
function subjectOf(code: GateItem['code'] | undefined, { slo, measurement }: Evidence): Subject | undefined {
  const first = (is: (window: WindowMeasurement) => boolean): Subject => ({
    roles: ['good', 'total'],
    window: measurement.windows.find(is)?.window.name,
  });
  switch (code) {
    case 'query_failed': {
      const [failed] = failuresOf(slo, measurement);
      return failed && { roles: [failed.failure.role], window: failed.window };
    }
    case 'no_traffic':
    case 'missing_total':
      return first(({ state }) => state === 'noData');
    case 'missing_good':
      return first((window) => window.state === 'ok' && window.goodMissing);
    case 'impossible_data':
      return first((window) => window.state === 'ok' && exceedsPlausibly(window.good, window.total));
    case 'stale':
    case 'few_points':
    case 'gaps':
      return { roles: [roleOf[code]] };
    case 'rule_triggered':
    case 'held':
    case 'partial':
    case 'clock_skew':
    case 'overdue':
    case 'not_evaluated':
    case 'file_error':
    case 'ok':
    case undefined:
      return undefined;
  }
}

const roleOf = { stale: 'freshness', few_points: 'points', gaps: 'coverage' } as const;

/** Instant of the queries, of the window that they are about where they are about one. Epoch milliseconds. */
export function instantOf(queries: readonly SentQuery[], measurement: Measurement): number {
  const about = measurement.windows.find(({ window }) => window.name === queries[0]?.window);
  return about?.readAtMs ?? measurement.evaluatedAtMs;
}

/** Notes that say more than what is not known. */
export function otherNotes({ slo, measurement, result }: Evidence): GateResult['notes'] {
  const doubts = doubtNotes(slo, measurement);
  return result.notes.filter((note) => !doubts.includes(note));
}
