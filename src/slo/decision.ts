/** The answer of the gate, from best to worst. */
export const decisions = ['ALLOW', 'WARN', 'BLOCK'] as const;

export type Decision = (typeof decisions)[number];

const severity: Record<Decision, number> = { ALLOW: 0, WARN: 1, BLOCK: 2 };

/** The worst of several decisions; of none, ALLOW. Associative, commutative, idempotent. */
export function worst(all: Iterable<Decision>): Decision {
  let result: Decision = 'ALLOW';
  for (const decision of all) if (severity[decision] > severity[result]) result = decision;
  return result;
}
