import { reasonCodes } from '../policy/gate-result.ts';
import type { Decision } from '../slo/decision.ts';

/** From which answer on a deployment is held. */
export const failOnLevels = ['block', 'unproven', 'warn'] as const;

export type FailOn = (typeof failOnLevels)[number];

/** What an answer says, whatever its form: of one SLO, or of a service in an environment. */
export interface Judged {
  readonly decision: Decision;
  /** Codes of reasons; the server may know more of them than we do. */
  readonly reasonCodes: readonly string[];
}

export type Verdict = 'goOn' | 'blocked' | 'noDecision';

/**
 * Codes under which a WARN tells a measured truth: the numbers are known, and they are thin or odd. Every other code, one
 * that we do not know included, says that the truth is not known.
 */
const provenCodes: ReadonlySet<string> = new Set<(typeof reasonCodes)[number]>([
  'rule_triggered',
  'no_traffic',
  'few_points',
  'impossible_data',
  'gaps',
]);
const knownCodes: ReadonlySet<string> = new Set(reasonCodes);

/** Why an answer holds a deployment; null where it does not. */
export function holdReason({ decision, reasonCodes: codes }: Judged, failOn: FailOn): string | null {
  if (decision === 'BLOCK') return 'BLOCK';
  if (failOn === 'block') return null;
  if (decision === 'WARN' && failOn === 'warn') return 'WARN, and --fail-on warn holds it';
  const unproven = unprovenCodes(codes);
  // An ALLOW is the server's own word, and takes a code that is newer than we are; but no ALLOW rests on unknown data.
  const against = decision === 'ALLOW' ? unproven.filter((code) => knownCodes.has(code)) : unproven;
  if (against.length > 0) return `${decision}, and the truth is not known: ${against.join(', ')}`;
  if (decision === 'WARN' && !codes.some((code) => provenCodes.has(code)))
    return 'WARN without a code that says why: the truth is not known';
  return null;
}

function unprovenCodes(codes: readonly string[]): readonly string[] {
  return codes.filter((code) => code !== 'ok' && !provenCodes.has(code));
}

/** The worst of several verdicts: what is known to be blocked stays so, whatever could not be asked. Of none, no decision. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('blocked')) return 'blocked';
  return verdicts.length === 0 || verdicts.includes('noDecision') ? 'noDecision' : 'goOn';
}
