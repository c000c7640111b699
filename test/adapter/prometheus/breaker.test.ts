import { describe, expect, it } from 'vitest';
import { createBreaker, type Admission } from '../../../src/adapter/prometheus/breaker.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

/** A breaker whose probes are answered as the test says. */
function aBreaker() {
  const clock = createVirtualClock();
  const log = createRecordingLog();
  const source: { cause: string | null; isSilent: boolean; probes: number } = {
    cause: 'connection refused (p:9090)',
    isSilent: false,
    probes: 0,
  };
  let orders = 0;
  const breaker = createBreaker({
    clock,
    log,
    onOrdered: () => (orders += 1),
    async probe() {
      source.probes += 1;
      if (source.isSilent) await clock.sleep(1_000);
      return source.isSilent ? 'no answer within 1s' : source.cause;
    },
  });
  const fail = async (times: number) => {
    for (let time = 0; time < times; time++) breaker.failed();
    await clock.settle();
  };
  const admit = (priority: 'urgent' | 'scheduled' = 'scheduled') => breaker.admit(priority, () => undefined);
  return { breaker, clock, log, source, fail, admit, state: () => breaker.status().state, orders: () => orders };
}

const refusedWith = (admission: Admission) => (admission.kind === 'refused' ? admission.detail : admission.kind);

describe('the circuit breaker', () => {
  it('opens after five failures in a row when a trivial query fails too, and refuses whole evaluations', async () => {
    const { admit, fail, state, breaker, log } = aBreaker();
    await fail(4);
    expect(state()).toBe('closed');
    expect(admit().kind).toBe('admitted');
    await fail(1);
    expect(state()).toBe('open');
    expect(refusedWith(admit())).toBe('circuit open: connection refused (p:9090)');
    expect(refusedWith(admit('urgent'))).toBe('circuit open: connection refused (p:9090)');
    expect(breaker.status()).toMatchObject({ refused: 2, reason: 'connection refused (p:9090)' });
    expect(log.lines.map(({ message }) => message)).toEqual([
      'circuit breaker open: Prometheus answers nothing (connection refused (p:9090)); decisions are WARN until it does',
    ]);
  });

  it('stays closed while the source answers a trivial query, however often others fail', async () => {
    const { clock, admit, fail, state, source, log } = aBreaker();
    source.cause = null;
    for (let turn = 0; turn < 200; turn++) {
      await fail(3);
      await clock.advance(100);
      expect(admit().kind).toBe('admitted');
    }
    expect([state(), log.lines]).toEqual(['closed', []]);
    // Thirty failures a second, and one probe.
    expect(source.probes).toBeGreaterThanOrEqual(15);
    expect(source.probes).toBeLessThanOrEqual(20);
  });

  it('stays closed where one of five requests is answered', async () => {
    const { breaker, fail, state, source } = aBreaker();
    for (let turn = 0; turn < 20; turn++) {
      await fail(4);
      breaker.answered();
    }
    expect([state(), source.probes]).toEqual(['closed', 0]);
  });

  it('believes an answer that comes while it doubts', async () => {
    const { breaker, clock, fail, state, source } = aBreaker();
    source.isSilent = true;
    await fail(5);
    breaker.answered();
    await clock.advance(2_000);
    expect(state()).toBe('closed');
  });

  it('probes twice a second, also while a probe hangs, and closes at the first answer', async () => {
    const { clock, fail, state, source, admit, log } = aBreaker();
    await fail(5);
    const before = source.probes;
    await clock.advance(5_000);
    expect(source.probes - before).toBe(10);
    source.isSilent = true;
    await clock.advance(5_000);
    expect(source.probes - before).toBe(20);
    expect(state()).toBe('half-open');
    [source.isSilent, source.cause] = [false, null];
    await clock.advance(500);
    expect(state()).toBe('closed');
    expect(admit().kind).toBe('admitted');
    expect(log.lines.at(-1)?.message).toBe('circuit breaker closed: Prometheus answers again, after 11s');
    await clock.advance(10_000);
    expect(source.probes - before).toBeLessThanOrEqual(21);
  });

  it('lets a scheduled evaluation through each five seconds, in case only the probe fails', async () => {
    const { breaker, clock, fail, state, admit } = aBreaker();
    await fail(5);
    const admitted: number[] = [];
    for (let second = 0; second < 20; second++) {
      for (const priority of ['urgent', 'scheduled', 'scheduled'] as const) {
        if (admit(priority).kind === 'admitted') admitted.push(second);
      }
      await clock.advance(1_000);
    }
    expect(admitted).toEqual([5, 10, 15]);
    breaker.answered();
    expect(state()).toBe('closed');
  });

  it('tripped: refuses everything, ends what is under way, probes nothing, until it is reset', async () => {
    const { breaker, clock, state, admit, source, fail, orders } = aBreaker();
    let ended = 0;
    const first = breaker.admit('scheduled', () => (ended += 1));
    const second = breaker.admit('scheduled', () => (ended += 10));
    if (first.kind === 'admitted') first.leave();
    expect(second.kind).toBe('admitted');
    breaker.trip();
    expect([ended, orders(), state()]).toEqual([10, 1, 'tripped']);
    await fail(50);
    breaker.answered();
    await clock.advance(60_000);
    expect([source.probes, state()]).toEqual([0, 'tripped']);
    expect(refusedWith(admit())).toMatch(/^circuit open: tripped by an operator at 2026-11-20T12:00:00.000Z/);
    expect(breaker.tripped()).toContain('tripped by an operator');
    expect(breaker.status()).toMatchObject({ refused: 2, reason: 'tripped by an operator' });
    breaker.trip();
    expect(orders()).toBe(1);
    breaker.reset();
    expect([orders(), state(), breaker.tripped(), admit().kind]).toEqual([2, 'closed', null, 'admitted']);
    breaker.reset();
    expect(orders()).toBe(2);
  });

  it('an order goes before what a probe finds that was under way', async () => {
    const { breaker, clock, fail, state, source } = aBreaker();
    await fail(5);
    source.isSilent = true;
    await clock.advance(600);
    breaker.trip();
    await clock.advance(2_000);
    expect(state()).toBe('tripped');
    breaker.reset();
    expect(state()).toBe('closed');
    await clock.advance(2_000);
    expect(state()).toBe('closed');
  });

  it('reset while the source still fails, opens again by itself', async () => {
    const { breaker, fail, state } = aBreaker();
    await fail(5);
    breaker.reset();
    expect(state()).toBe('closed');
    await fail(5);
    expect(state()).toBe('open');
  });
});
