import type { Parser } from '../config/parsers.ts';
import { decisions, type Decision } from '../slo/decision.ts';

/** A decision, in upper or lower case. */
export const decisionWord: Parser<Decision> = {
  allowed: 'allow, warn or block',
  words: ['allow', 'warn', 'block'],
  parse: (text) => decisions.find((decision) => decision === text.toUpperCase()),
};
