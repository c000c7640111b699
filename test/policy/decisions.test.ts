import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { classifyWindow } from '../../src/eval/reading.ts';
import type { Measurement, QueryRole, Reading, WindowMeasurement } from '../../src/eval/measurement.ts';
import { failureReasons } from '../../src/eval/measurement.ts';
import { answerOf } from '../../src/policy/answer.ts';
import { decide } from '../../src/policy/decide.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { ReasonCode } from '../../src/policy/gate-result.ts';
import { parseDuration } from '../../src/slo/duration.ts';
import type { Decision } from '../../src/slo/decision.ts';
import { windowsOf, type Slo, type SloDocument } from '../../src/slo/model.ts';
import { aMeasurement, anEvaluation, grownOlder, noon, servedAfter } from '../support/evaluation.ts';
import { anSlo } from '../support/slo.ts';

interface Step {
  readonly at: string;
  readonly measured?: Readonly<Record<string, string>>;
  readonly newestSample?: string;
  readonly dataPoints?: number;
  readonly decision: Decision;
  readonly reasons?: readonly string[];
  readonly codes?: readonly ReasonCode[];
  readonly notes?: readonly string[];
}

interface Cases {
  readonly gating?: Partial<SloDocument['spec']['gating']>;
  readonly cases: readonly { readonly name: string; readonly steps: readonly Step[] }[];
}

const directory = new URL('../../fixtures/decisions/', import.meta.url);

function msOf(text: string): number {
  const ms = text === '0s' ? 0 : parseDuration(text)?.ms;
  if (ms === undefined) throw new Error(`no duration: ${text}`);
  return ms;
}

/** `93/100`, `none/100` (no series), `NaN/100`, `failed timeout`. */
function readingsOf(text: string): readonly [Reading, Reading] {
  const reason = failureReasons.find((known) => text === `failed ${known}`);
  const failed = (role: QueryRole): Reading => ({
    kind: 'failed',
    failure: { role, reason: reason ?? 'server', detail: 'as the case says', attempts: 1 },
  });
  if (reason !== undefined) return [failed('good'), failed('total')];
  const match = /^(none|NaN|-?[\d.]+)\/(none|NaN|-?[\d.]+)$/.exec(text);
  if (match === null) throw new Error(`no measurement: ${text}`);
  const [good, total] = [match[1]!, match[2]!].map((value): Reading => ({
    kind: 'series',
    values: value === 'none' ? [] : [Number(value)],
  }));
  return [good!, total!];
}

function measurementOf(slo: Slo, step: Step, measured: Readonly<Record<string, string>>): Measurement {
  const evaluatedAtMs = noon + msOf(step.at);
  const windows = windowsOf(slo).map((window): WindowMeasurement => {
    const text = measured[window.name] ?? measured.rest;
    if (text === undefined) throw new Error(`nothing measured in ${window.name}`);
    return { ...classifyWindow(...readingsOf(text)), window, readAtMs: evaluatedAtMs };
  });
  const ageMs = step.newestSample === undefined ? 0 : msOf(step.newestSample);
  return aMeasurement(
    slo,
    {},
    {
      evaluatedAtMs,
      windows,
      freshness: { state: 'ok', ages: [{ metric: 'http_requests_total', ageMs }] },
      points: { state: 'ok', value: step.dataPoints ?? 100 },
    },
  );
}

describe.each(readdirSync(directory).map((file) => [file]))('%s', (file) => {
  const { gating = {}, cases } = parse(readFileSync(new URL(file, directory), 'utf8')) as Cases;
  const slo = anSlo({ gating });

  it.each(cases.map((one) => [one.name, one.steps] as const))('%s', (_, steps) => {
    let latest: Evaluation | undefined;
    for (const step of steps) {
      const atMs = noon + msOf(step.at);
      if (step.measured !== undefined) {
        const measurement = measurementOf(slo, step, step.measured);
        const previous = latest ? grownOlder(latest.result.blocking, atMs - latest.evaluatedAt.wallMs) : [];
        latest = { ...anEvaluation({ slo, measurement, previous }), result: decide(slo, measurement, previous) };
      }
      if (latest === undefined) throw new Error('a case begins with what was measured');
      const answer = answerOf(servedAfter(latest, atMs - latest.evaluatedAt.wallMs));
      expect(answer.decision, `at ${step.at}`).toBe(step.decision);
      if (step.reasons !== undefined) expect(answer.reasons, `at ${step.at}`).toEqual(step.reasons);
      if (step.codes !== undefined) expect(answer.reasonCodes, `at ${step.at}`).toEqual(step.codes);
      if (step.notes !== undefined) expect(answer.notes, `at ${step.at}`).toEqual(step.notes);
    }
  });
});
