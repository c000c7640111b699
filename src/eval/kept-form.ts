import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { KeptWindows } from './kept.ts';

const Instant = Type.Number({ minimum: 0 });
const Amount = Type.Number({ minimum: 0 });

/** What is kept of an SLO's evaluations over a restart. Names are short, as it is written with each evaluation. */
const KeptForm = Type.Object({
  /** Form of this text. */
  v: Type.Literal(1),
  /** Hash of the SLO as it stood, and of the source that was read. */
  spec: Type.String(),
  src: Type.String(),
  /** Epoch milliseconds of the evaluation, and the burn rate of the shortest window then. */
  at: Instant,
  b: Amount,
  /** Windows: name, good, total, read at, kept until, moved. */
  w: Type.Array(Type.Tuple([Type.String(), Amount, Type.Number({ exclusiveMinimum: 0 }), Instant, Instant, Amount])),
  /** Coverage, whether it is that of a young series, read at, kept until. */
  c: Type.Union([Type.Null(), Type.Tuple([Type.Number({ minimum: 0, maximum: 1 }), Type.Boolean(), Instant, Instant])]),
});

type KeptForm = Static<typeof KeptForm>;

/** Whose measurements they are: they mean nothing for an SLO that has changed, or to another source. */
export interface KeptOf {
  readonly specHash: string;
  readonly source: string;
}

/** As compact JSON. */
export function encodeKept(kept: KeptWindows, { specHash, source }: KeptOf): string {
  const { coverage } = kept;
  const form: KeptForm = {
    v: 1,
    spec: specHash,
    src: source,
    at: kept.asOfMs,
    b: kept.burnRate,
    w: kept.windows.map((one) => [one.name, one.good, one.total, one.readAtMs, one.untilMs, one.moved]),
    c: coverage && [coverage.value, coverage.ofYoung, coverage.readAtMs, coverage.untilMs],
  };
  return JSON.stringify(form);
}

/** null where the text says nothing of that SLO and that source: it is of another form, of others, or was edited. */
export function parseKept(text: string, { specHash, source }: KeptOf): KeptWindows | null {
  const form = formIn(text);
  if (form?.spec !== specHash || form.src !== source) return null;
  return {
    asOfMs: form.at,
    burnRate: form.b,
    windows: form.w.map(([name, good, total, readAtMs, untilMs, moved]) => ({
      ...{ name, good, total, readAtMs, untilMs, moved },
    })),
    coverage: form.c && { value: form.c[0], ofYoung: form.c[1], readAtMs: form.c[2], untilMs: form.c[3] },
  };
}

function formIn(text: string): KeptForm | null {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(KeptForm, value) ? value : null;
  } catch {
    return null; // not JSON: nothing of ours
  }
}
