import type { Decision } from '../slo/decision.ts';
import type { Style } from './terminal.ts';

export const decisionStyles: Readonly<Record<Decision, Style>> = { ALLOW: 'green', WARN: 'yellow', BLOCK: 'red' };

/** To sort by: the worst first. */
export const worstFirst: Readonly<Record<Decision, number>> = { BLOCK: 0, WARN: 1, ALLOW: 2 };
