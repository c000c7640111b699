import { describe, expect, it } from 'vitest';
import { createDiskWatch } from '../../src/health/disk-watch.ts';
import type { DiskSpace } from '../../src/health/ports.ts';
import { createLagWatch } from '../../src/health/event-loop.ts';
import { ofCertificates, ofDisk, ofEventLoop, ofPrometheus, ofScheduler } from '../../src/health/findings.ts';
import { createMemory } from '../../src/health/memory.ts';
import type { BreakerStatus } from '../../src/eval/source-control.ts';
import { limitOf, memoryLimit } from '../../src/health/system-watch.ts';
import { noon } from '../support/evaluation.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const source = { lastSuccessMs: noon, lastFailureMs: null, lastError: null, latencyMs: 12 };
const breaker = (state: BreakerStatus['state'], reason: string | null = null) => ({
  ...{ state, reason, sinceMs: noon, refused: 0 },
});
const count = (slos: number, evaluated: number, unanswered = 0, overdue = 0) => {
  return { slos, evaluated, unanswered, overdue };
};

describe('what is found of Prometheus', () => {
  it.each([
    ['ok', breaker('closed'), count(3, 3), 'answered'],
    ['ok', breaker('closed'), count(3, 0), 'nothing was asked yet'],
    ['degraded', breaker('closed'), count(3, 3, 2), '2 of 3'],
    ['down', breaker('closed'), count(3, 2, 2), 'every SLO'],
    ['down', breaker('open', 'connection refused (p:9090)'), count(3, 3), 'connection refused (p:9090)'],
    ['down', breaker('half-open', 'connection refused'), count(3, 3), 'connection refused'],
    ['down', breaker('tripped'), count(3, 3), 'circuit-breaker/reset?service=prometheus'],
  ] as const)('%s: %o, %o', (status, state, decisions, words) => {
    const found = ofPrometheus(state, source, decisions);
    expect(found).toMatchObject({ status, latencyMs: 12, details: { circuitBreaker: state.state } });
    expect(found.message).toContain(words);
  });

  it('where it answers again and no SLO was evaluated since, no error is pointed at that is not there', () => {
    const decisions = count(3, 3, 3);
    expect(ofPrometheus(breaker('closed'), source, decisions).message).toContain('Prometheus answers now');
    const failing = ofPrometheus(breaker('closed'), { ...source, lastError: 'bad_data: parse error' }, decisions);
    expect(failing.message).toContain('see lastError');
  });
});

describe('what is found of the scheduler', () => {
  it.each([
    ['ok', count(3, 3)],
    ['ok', count(0, 0)],
    ['degraded', count(3, 2)],
    ['degraded', count(3, 3, 0, 2)],
    ['down', count(3, 3, 0, 3)],
  ] as const)('%s: %o', (status, decisions) => {
    expect(ofScheduler(decisions, { waiting: 1, running: 2 }, 4)).toMatchObject({
      ...{ status, lastError: null },
      details: { slos: decisions.slos, waiting: 1, running: 2, slotsMissed: 4, overdue: decisions.overdue },
    });
  });
});

describe('the disk of the database', () => {
  it.each([
    ['ok', 10],
    ['degraded', 9.9],
    ['degraded', 0],
  ])('is %s with %d %% free', (status, percent) => {
    const found = ofDisk({ space: { freeBytes: percent * 1e9, sizeBytes: 100e9, databaseBytes: 1e6 }, error: null });
    expect(found).toMatchObject({
      status,
      details: { freeBytes: percent * 1e9, sizeBytes: 100e9, databaseBytes: 1e6 },
    });
    expect(found.message).toContain(`${Math.floor(percent)}%`);
  });

  it('that hangs is told, asked once, and keeps nobody waiting', async () => {
    const clock = createVirtualClock();
    let asked = 0;
    let answer: (space: DiskSpace) => void = () => undefined;
    const watch = createDiskWatch('/data/aegis.db', clock, () => {
      asked += 1;
      return new Promise((resolve) => (answer = resolve));
    });
    watch.look();
    expect(ofDisk(watch.reading())).toMatchObject({ status: 'ok', message: 'not known yet' });
    await clock.advance(30_000);
    watch.look();
    watch.look();
    expect(asked).toBe(1);
    expect(ofDisk(watch.reading())).toMatchObject({
      status: 'degraded',
      lastError: 'the file system of /data/aegis.db has not answered for 30s',
    });
    answer({ freeBytes: 50, sizeBytes: 100, databaseBytes: 7 });
    await clock.settle();
    expect(watch.reading()).toEqual({ space: { freeBytes: 50, sizeBytes: 100, databaseBytes: 7 }, error: null });
    watch.look();
    expect(asked).toBe(2);
  });

  it('that is gone says why', async () => {
    const clock = createVirtualClock();
    const watch = createDiskWatch('/nowhere/at/all', clock);
    watch.look();
    await expect.poll(() => watch.reading().error).toContain('ENOENT');
    expect(ofDisk(watch.reading()).status).toBe('degraded');
  });
});

describe('the event loop', () => {
  it('is as late as its latest turn, and degraded by the greatest of the last minute', async () => {
    const clock = createVirtualClock();
    const lag = createLagWatch(clock, 1_000);
    for (const tookMs of [1_000, 1_900, 1_010]) {
      await clock.advance(tookMs);
      lag.turned();
    }
    expect([lag.latestMs(), lag.greatestMs()]).toEqual([10, 900]);
    expect(ofEventLoop(lag.latestMs(), lag.greatestMs())).toMatchObject({ status: 'degraded', latencyMs: 10 });
    for (let turn = 0; turn < 60; turn++) {
      await clock.advance(1_000);
      lag.turned();
    }
    expect(ofEventLoop(lag.latestMs(), lag.greatestMs())).toMatchObject({ status: 'ok', latencyMs: 0 });
  });
});

describe('certificates', () => {
  const one = (daysLeft: number, lastError: string | null = null) => ({
    ...{
      certificate: 'server' as const,
      subject: 'CN=a',
      notAfterMs: noon + daysLeft * 86_400_000,
      daysLeft,
      lastError,
    },
  });
  it.each([
    ['ok', [one(90)], null],
    ['degraded', [one(90), one(29)], null],
    ['degraded', [one(90, 'no such file')], 'no such file'],
    ['down', [one(90), one(-1)], null],
  ])('%s: %o', (status, certificates, lastError) => {
    expect(ofCertificates(certificates)).toMatchObject({ status, lastError });
  });
});

describe('the memory of changes', () => {
  const finding = (status: 'ok' | 'degraded' | 'down') => ({ status, message: '', lastError: null });

  it('tells since when a component has its status, each by itself, and the worst of all', () => {
    const memory = createMemory();
    const seen = (prometheus: 'ok' | 'degraded' | 'down', nowMs: number) => {
      const report = memory.remember({ prometheus: finding(prometheus), disk: finding('degraded') }, nowMs);
      return [report.status, report.components.prometheus?.sinceMs, report.components.disk?.sinceMs];
    };
    expect(seen('ok', 1)).toEqual(['degraded', 1, 1]);
    expect(seen('ok', 2)).toEqual(['degraded', 1, 1]);
    expect(seen('down', 3)).toEqual(['down', 3, 1]);
    expect(seen('down', 4)).toEqual(['down', 3, 1]);
    expect(seen('ok', 5)).toEqual(['degraded', 5, 1]);
  });
});

describe('the limits of the process', () => {
  it('of memory is the control group’s where it has one', () => {
    expect([memoryLimit(512, 4_096), memoryLimit(0, 4_096), memoryLimit(2 ** 63, 4_096)]).toEqual([512, 4_096, 4_096]);
  });

  it('of files is the soft one', () => {
    const line = (soft: string) =>
      `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}    4096    files\n`;
    expect([limitOf(line('1024')), limitOf(line('unlimited')), limitOf('')]).toEqual([1024, null, null]);
  });
});
