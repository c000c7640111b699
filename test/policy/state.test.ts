import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Served } from '../../src/policy/decision-source.ts';
import { stateOf } from '../../src/policy/state.ts';
import type { WindowState } from '../../src/eval/measurement.ts';
import { aMeasurement, anEvaluation, noon } from '../support/evaluation.ts';
import { anSlo } from '../support/slo.ts';

const burning: WindowState = { state: 'ok', good: 90_000, total: 100_000, goodMissing: false };
const idle: WindowState = { state: 'noData', cause: 'total is 0' };

function served(id: string, state?: WindowState, ageMs = 0): Served {
  const slo = anSlo({ id });
  const measurement = aMeasurement(slo, state === undefined ? {} : { '*': state });
  return { evaluation: anEvaluation({ slo, measurement }), ageMs };
}

const healthy = { id: 'healthy', served: served('healthy') };
const idleSlo = { id: 'idle', served: served('idle', idle) };
const blocked = { id: 'blocked', served: served('blocked', burning) };
const unknown = { id: 'unknown', served: undefined };
const old = { id: 'old', served: served('old', undefined, 601_000) };

const ask = (slos: Parameters<typeof stateOf>[0]['slos'], filesInError: readonly string[] = []) =>
  stateOf({ service: 'api-gateway', environment: 'production', slos, filesInError });

describe('the state of a service', () => {
  it('is ALLOW, with the code ok, where every SLO is', () => {
    expect(ask([healthy])).toEqual({
      service: 'api-gateway',
      environment: 'production',
      decision: 'ALLOW',
      slos: ['healthy'],
      decisions: { healthy: 'ALLOW' },
      reasonCodes: ['ok'],
      filesInError: [],
      lastUpdated: '2026-11-20T12:00:00.000Z',
    });
  });

  it('is the worst of its SLOs, and tells the codes of all of them once', () => {
    const state = ask([healthy, idleSlo, blocked, { ...idleSlo, id: 'idle-too' }]);
    expect(state.decision).toBe('BLOCK');
    expect(state.decisions).toEqual({ healthy: 'ALLOW', idle: 'WARN', blocked: 'BLOCK', 'idle-too': 'WARN' });
    expect(state.reasonCodes).toEqual(['no_traffic', 'rule_triggered']);
  });

  it('counts an SLO that was not evaluated yet as WARN', () => {
    expect(ask([healthy, unknown])).toMatchObject({
      decision: 'WARN',
      decisions: { unknown: 'WARN' },
      reasonCodes: ['not_evaluated'],
    });
    expect(ask([unknown]).lastUpdated).toBeNull();
  });

  it('counts an overdue ALLOW as WARN', () => {
    expect(ask([old])).toMatchObject({ decision: 'WARN', reasonCodes: ['overdue'] });
  });

  it('is at least WARN while a file of it is in error, also without any SLO', () => {
    expect(ask([healthy], ['bad.yaml'])).toMatchObject({
      decision: 'WARN',
      decisions: { healthy: 'ALLOW' },
      reasonCodes: ['file_error'],
      filesInError: ['bad.yaml'],
    });
    expect(ask([], ['bad.yaml'])).toMatchObject({ decision: 'WARN', slos: [], decisions: {}, lastUpdated: null });
  });

  it('was last updated when its newest evaluation was made', () => {
    const newer = { evaluation: anEvaluation({ evaluatedAtMs: noon + 1_500 }), ageMs: 0 };
    expect(ask([healthy, { id: 'newer', served: newer }]).lastUpdated).toBe('2026-11-20T12:00:01.500Z');
  });

  it('never gets better by one more SLO or one more bad file', () => {
    const rank = { ALLOW: 0, WARN: 1, BLOCK: 2 };
    const some = fc.array(fc.constantFrom(healthy, idleSlo, blocked, unknown, old), { minLength: 1 });
    const one = fc.constantFrom(healthy, idleSlo, blocked, unknown, old);
    fc.assert(
      fc.property(some, one, fc.boolean(), (slos, more, hasBadFile) => {
        const before = ask(slos).decision;
        const after = ask([...slos, more], hasBadFile ? ['bad.yaml'] : []).decision;
        expect(rank[after]).toBeGreaterThanOrEqual(rank[before]);
      }),
    );
  });
});
