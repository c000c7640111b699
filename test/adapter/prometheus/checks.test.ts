import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planQueries } from '../../../src/adapter/prometheus/query-plan.ts';
import type { Reading } from '../../../src/eval/measurement.ts';
import { decide } from '../../../src/policy/decide.ts';
import { windowsOf } from '../../../src/slo/model.ts';
import { aMeasurement } from '../../support/evaluation.ts';
import { anSlo } from '../../support/slo.ts';

const at = Date.UTC(2026, 10, 20, 12);
const slo = anSlo({ gating: { minCoverage: 0.9 } });
const plan = planQueries(slo, windowsOf(slo), at);
const fresh = { 'age:0': 5, 'recent:0': 600, 'points:0': 60, covered: 60 };
const series = (value: number): Reading => ({ kind: 'series', values: [value] });
const failed: Reading = {
  kind: 'failed',
  failure: { role: 'freshness', reason: 'timeout', detail: 'no answer within 5s', attempts: 1 },
};

/** The decision on healthy windows with these answers of the checks. */
function decided(answers: Readonly<Record<string, number | Reading | undefined>>) {
  const readingOf = (tag: string) => {
    const answer = answers[tag];
    return typeof answer === 'number' ? series(answer) : answer;
  };
  const checks = plan.readChecks(readingOf);
  return { ...checks, ...decide(slo, aMeasurement(slo, {}, checks), []) };
}

describe('the answers of the checks', () => {
  it('are ALLOW where all is well', () => {
    expect(decided(fresh).decision).toBe('ALLOW');
  });

  it.each(Object.keys(fresh))('are never ALLOW where %s is no count, age or instant', (tag) => {
    for (const wrong of [NaN, Infinity, -Infinity, -1, failed]) {
      expect(decided({ ...fresh, [tag]: wrong }).decision).toBe('WARN');
    }
  });

  it('are never ALLOW unless fresh, with enough points and covered, whatever they are', () => {
    const answer = fc.oneof(
      fc.double(),
      fc.integer({ min: -5, max: 700 }),
      fc.constant(undefined),
      fc.constant(failed),
    );
    const tags = ['age:0', 'recent:0', 'past:0', 'last:0', 'points:0', 'covered', 'begin', 'before'];
    fc.assert(
      fc.property(fc.record(Object.fromEntries(tags.map((tag) => [tag, answer]))), (answers) => {
        const { decision, freshness } = decided(answers);
        if (decision !== 'ALLOW') return;
        const age = answers['age:0'];
        const isFresh = typeof age === 'number' ? age <= 600.01 : answers['recent:0'] !== undefined;
        // A metric without any sample is no data, which the windows tell.
        const isUnknown = freshness.state === 'ok' && freshness.ages.every(({ ageMs }) => ageMs === null);
        expect(isFresh || isUnknown).toBe(true);
        expect(answers['points:0']).toBeGreaterThanOrEqual(10);
        expect(answers.covered).toBeGreaterThan(0);
      }),
    );
  });

  it('ask further only where something is missing', () => {
    const followUps = (answers: Readonly<Record<string, number>>) =>
      plan
        .followUps((tag) => (answers[tag] === undefined ? { kind: 'series', values: [] } : series(answers[tag])))
        .flatMap(({ parts }) => parts.map(({ tag }) => tag));
    expect(followUps(fresh)).toEqual([]);
    expect(followUps({ 'recent:0': 1, covered: 60 })).toEqual([]);
    expect(followUps({ covered: 60 })).toEqual(['past:0', 'last:0']);
    expect(followUps({ 'age:0': 5, covered: 59 })).toEqual(['begin', 'before']);
    expect(followUps({ 'age:0': 5 })).toEqual([]);
  });

  it('take a sample after the last step of the search for stale, not for absent', () => {
    const gone = { ...fresh, 'age:0': undefined, 'recent:0': undefined };
    expect(decided({ ...gone, 'last:0': 3 }).isStale).toBe(true);
    expect(decided({ ...gone, 'past:0': 1 }).isStale).toBe(true);
    expect(decided({ ...gone, 'past:0': 3_600 }).notes.join()).toContain('newest sample is 60m old');
    expect(decided(gone).notes.join()).toContain('no sample in 6h');
  });
});

describe('planQueries', () => {
  it('is a pure function of the SLO and the instant', () => {
    expect(JSON.stringify(planQueries(slo, windowsOf(slo), at))).toBe(JSON.stringify(plan));
  });

  it('asks for each selector once', () => {
    const tags = plan.units.flatMap(({ parts }) => parts.map(({ tag }) => tag));
    expect(tags).toEqual([
      ...['30d', '5m', '1h', '6h'].flatMap((window) => [`good:${window}`, `total:${window}`]),
      'age:0',
      'recent:0',
      'points:0',
      'covered',
    ]);
  });

  it('says that the series are not known where a query cannot be read and none are named', () => {
    const odd = anSlo({ total: 'sum(requests_total[{{window}}]) default 0' });
    const { freshness } = planQueries(odd, windowsOf(odd), at).readChecks(() => undefined);
    expect(freshness).toMatchObject({ state: 'failed', failure: { reason: 'bad-query' } });
  });
});
