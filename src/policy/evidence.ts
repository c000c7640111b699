import type { Failure, Freshness, Gauge, Measurement, WindowMeasurement, WindowState } from '../eval/measurement.ts';
import { windowsOf, type Slo } from '../slo/model.ts';
import type { Evaluation } from './decision-source.ts';
import { parseEvidence, type EvidenceFailure, type EvidenceForm, type EvidenceWindow } from './evidence-form.ts';
import type { BlockingRule } from './gate-result.ts';

/** What the evidence of an evaluation is made of. */
type Evidenced = Pick<Evaluation, 'adapter' | 'measurement' | 'previous'>;

/** The evidence of an evaluation as compact JSON, without line breaks. */
export function encodeEvidence(evaluation: Evidenced, softwareVersion: string): string {
  return JSON.stringify(evidenceForm(evaluation, softwareVersion));
}

/** The evidence of an evaluation: all that the policy was told, so that it can decide again. */
export function evidenceForm(evaluation: Evidenced, softwareVersion: string): EvidenceForm {
  const { measurement: m } = evaluation;
  const kept = m.windows.filter((window) => window.readAtMs !== m.evaluatedAtMs);
  return {
    v: 1,
    sw: softwareVersion,
    src: evaluation.adapter,
    at: m.evaluatedAtMs,
    w: m.windows.map(encodeWindow),
    ...(kept.length > 0 && { k: Object.fromEntries(kept.map(({ window, readAtMs }) => [window.name, readAtMs])) }),
    f:
      m.freshness.state === 'ok'
        ? m.freshness.ages.map(({ metric, ageMs }) => [metric, ageMs])
        : encodeFailure(m.freshness.failure),
    p: encodeGauge(m.points),
    c: encodeGauge(m.coverage),
    ...(m.coverage.state === 'ok' && m.coverage.readAtMs !== undefined && { ck: m.coverage.readAtMs }),
    s: m.clockSkewMs,
    ...(m.warnings.length > 0 && { wa: [...m.warnings] }),
    ...(m.infos.length > 0 && { i: [...m.infos] }),
    ...(m.notes.length > 0 && { n: [...m.notes] }),
    ...(evaluation.previous.length > 0 && {
      b: evaluation.previous.map(({ rule, reason, ageMs }) => [rule, reason, ageMs]),
    }),
  };
}

function encodeWindow(measured: WindowMeasurement): EvidenceWindow {
  const { name } = measured.window;
  switch (measured.state) {
    case 'ok':
      return [name, measured.goodMissing ? null : measured.good, measured.total];
    case 'noData':
      return [name, measured.cause];
    case 'failed':
      return [name, encodeFailure(measured.failure)];
  }
}

function encodeFailure({ role, reason, detail, attempts }: Failure): EvidenceFailure {
  return { q: role, r: reason, d: detail, a: attempts };
}

function encodeGauge(gauge: Gauge): EvidenceForm['p'] {
  switch (gauge.state) {
    case 'ok':
      return gauge.value;
    case 'notMeasured':
      return null;
    case 'failed':
      return encodeFailure(gauge.failure);
  }
}

/** What an evidence text says, for explaining and recomputing. */
export interface DecodedEvidence {
  readonly softwareVersion: string;
  readonly adapter: 'prometheus' | 'synthetic';
  readonly measurement: Measurement;
  readonly previous: readonly BlockingRule[];
}

/**
 * The measurement that an evidence text records, for the SLO as it stood.
 *
 * null where the text is no evidence (a row of the Go original, or one that was edited by hand).
 */
export function decodeEvidence(text: string, slo: Slo): DecodedEvidence | null {
  const evidence = parseEvidence(text);
  if (evidence === null) return null;
  const windows = windowsOf(slo).map((window): WindowMeasurement | null => {
    const entry = evidence.w.find(([name]) => name === window.name);
    return entry === undefined
      ? null
      : { ...decodeWindow(entry), window, readAtMs: evidence.k?.[window.name] ?? evidence.at };
  });
  if (!windows.every((window) => window !== null)) return null;
  return {
    softwareVersion: evidence.sw,
    adapter: evidence.src,
    measurement: {
      evaluatedAtMs: evidence.at,
      windows,
      freshness: decodeFreshness(evidence.f),
      points: decodeGauge(evidence.p),
      coverage: decodeCoverage(evidence),
      clockSkewMs: evidence.s,
      warnings: evidence.wa ?? [],
      infos: evidence.i ?? [],
      notes: evidence.n ?? [],
    },
    previous: (evidence.b ?? []).map(([rule, reason, ageMs]) => ({ rule, reason, ageMs })),
  };
}

function decodeWindow(entry: EvidenceWindow): WindowState {
  if (entry.length === 3) {
    return { state: 'ok', good: entry[1] ?? 0, total: entry[2], goodMissing: entry[1] === null };
  }
  return typeof entry[1] === 'string'
    ? { state: 'noData', cause: entry[1] }
    : { state: 'failed', failure: decodeFailure(entry[1]) };
}

function decodeFailure({ q, r, d, a }: EvidenceFailure): Failure {
  return { role: q, reason: r, detail: d, attempts: a };
}

function decodeFreshness(freshness: EvidenceForm['f']): Freshness {
  return Array.isArray(freshness)
    ? { state: 'ok', ages: freshness.map(([metric, ageMs]) => ({ metric, ageMs })) }
    : { state: 'failed', failure: decodeFailure(freshness) };
}

function decodeCoverage({ c, ck }: EvidenceForm): Gauge {
  return typeof c === 'number' && ck !== undefined ? { state: 'ok', value: c, readAtMs: ck } : decodeGauge(c);
}

function decodeGauge(gauge: EvidenceForm['p']): Gauge {
  if (gauge === null) return { state: 'notMeasured' };
  return typeof gauge === 'number' ? { state: 'ok', value: gauge } : { state: 'failed', failure: decodeFailure(gauge) };
}
