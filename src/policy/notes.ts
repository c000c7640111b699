import type { Measurement } from '../eval/measurement.ts';
import { longestRuleWindow, type Slo } from '../slo/model.ts';
import { roughDuration } from './wording.ts';

/** Remarks that explain the reasons, or that change nothing but should be seen. */
export function notesOf(slo: Slo, measurement: Measurement): readonly string[] {
  return [...measurement.notes, ...doubtNotes(slo, measurement), ...measurement.infos];
}

/** Which data is absent or old. */
export function doubtNotes(slo: Slo, measurement: Measurement): readonly string[] {
  return [...windowNotes(slo, measurement), ...ageNotes(slo, measurement)];
}

function windowNotes(slo: Slo, measurement: Measurement): readonly string[] {
  return measurement.windows.flatMap((window) => {
    if (window.state === 'noData') return [`${window.window.name}: ${window.cause}`];
    const isCompliance = window.window.name === slo.complianceWindow.name;
    if (isCompliance && window.state === 'ok' && window.goodMissing) {
      return [`good selects no series in ${window.window.name}: check its labels`];
    }
    return [];
  });
}

function ageNotes(slo: Slo, { freshness }: Measurement): readonly string[] {
  if (freshness.state !== 'ok') return [];
  const limit = slo.gating.stalenessLimit;
  return freshness.ages.flatMap(({ metric, ageMs }) => {
    if (ageMs === null) return [`${metric}: no sample in ${longestRuleWindow(slo).name}`];
    if (ageMs <= limit.ms) return [];
    return [`${metric}: newest sample is ${roughDuration(ageMs)} old (limit ${limit.text})`];
  });
}
