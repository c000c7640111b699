import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { failureReasons, noDataCauses, queryRoles } from '../eval/measurement.ts';

/**
 * The form in which an audit row keeps its evidence: numbers and instants, and no text that the SLO's document holds
 * already. A usual row stays under 1 KiB. Names are short for that reason only; policy/evidence.ts gives them meaning.
 */
const Failed = Type.Object({
  q: Type.Enum([...queryRoles]),
  r: Type.Enum([...failureReasons]),
  d: Type.String(),
  a: Type.Number(),
});

const Count = Type.Union([Type.Number(), Type.Null(), Failed]);

const EvidenceForm = Type.Object({
  /** Form of this text. */
  v: Type.Literal(1),
  /** Software version. */
  sw: Type.String(),
  src: Type.Enum(['prometheus', 'synthetic']),
  /** Epoch milliseconds of the evaluation. */
  at: Type.Number(),
  /** Windows: name, then good (null: no series) and total; or the cause of no data; or the failure. */
  w: Type.Array(
    Type.Union([
      Type.Tuple([Type.String(), Type.Union([Type.Number(), Type.Null()]), Type.Number()]),
      Type.Tuple([Type.String(), Type.Enum([...noDataCauses])]),
      Type.Tuple([Type.String(), Failed]),
    ]),
  ),
  /** Instants of windows that were read for another one than `at`. */
  k: Type.Optional(Type.Record(Type.String(), Type.Number())),
  /** Ages of newest samples in ms (null: not known), by metric; or why none is known. */
  f: Type.Union([Type.Array(Type.Tuple([Type.String(), Type.Union([Type.Number(), Type.Null()])])), Failed]),
  /** Data points; null: not measured. */
  p: Count,
  /** Coverage; null: not measured. */
  c: Count,
  /** Instant of the coverage, where it was read for another one than `at`. */
  ck: Type.Optional(Type.Number()),
  /** Clock skew in ms. */
  s: Type.Union([Type.Number(), Type.Null()]),
  /** Warnings, infos, notes of the source and the adapter. */
  wa: Type.Optional(Type.Array(Type.String())),
  i: Type.Optional(Type.Array(Type.String())),
  n: Type.Optional(Type.Array(Type.String())),
  /** Rules measured to block before: rule, reason, age in ms. */
  b: Type.Optional(Type.Array(Type.Tuple([Type.String(), Type.String(), Type.Number()]))),
});

export type EvidenceForm = Static<typeof EvidenceForm>;
export type EvidenceWindow = EvidenceForm['w'][number];
export type EvidenceFailure = Static<typeof Failed>;

/** The evidence in a text; null where it has none (a row of the Go original, or one that was edited by hand). */
export function parseEvidence(text: string): EvidenceForm | null {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(EvidenceForm, value) ? value : null;
  } catch {
    return null; // not JSON: nothing of ours
  }
}
