import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import type { WindowState } from '../../src/eval/measurement.ts';
import { unmeasured } from '../../src/eval/unmeasured.ts';
import type { SourceControl } from '../../src/eval/source-control.ts';
import { labelText } from '../../src/telemetry/metric-text.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { type AuditStatus, neverSwept, type RetentionStatus } from '../../src/storage/ports.ts';
import { anAuditStatus } from '../support/fake-audit.ts';
import { aMeasurement } from '../support/evaluation.ts';
import { createWorld } from '../support/scheduler-world.ts';
import { lacks } from '../support/services.ts';
import { anSlo } from '../support/slo.ts';

const burning: WindowState = { state: 'ok', good: 90, total: 100, goodMissing: false };
const slos = [anSlo({ id: 'fine' }), anSlo({ id: 'burns' }), anSlo({ id: 'asleep' }), anSlo({ id: 'broken' })];

let world: ReturnType<typeof createWorld>;
let retained: RetentionStatus = neverSwept;
afterEach(() => {
  retained = neverSwept;
  world.scheduler.stop();
});

const aSource: SourceControl = {
  breaker: {
    trip: () => undefined,
    reset: () => undefined,
    status: () => ({ state: 'half-open', sinceMs: 0, refused: 7, reason: 'connection refused' }),
  },
  health: () => ({ lastSuccessMs: null, lastFailureMs: null, lastError: null, latencyMs: null }),
  inFlight: () => 3,
};

/** Four SLOs, each in a state of its own, and the metrics of all. */
async function evaluated(all = slos): Promise<Metrics> {
  world = createWorld(all);
  world.source.state.measurement = ({ slo, evaluatedAtMs }) => {
    if (slo.id === 'broken') return unmeasured(slo, evaluatedAtMs, 'unreachable', 'connection refused');
    const states = {
      burns: { '5m': burning, '1h': burning },
      asleep: { '*': { state: 'noData', cause: 'total is 0' } as const },
    }[slo.id];
    return aMeasurement(slo, states ?? {}, { evaluatedAtMs });
  };
  await world.clock.settle();
  const metrics = createMetrics({
    catalogue: world.files.catalogue,
    decisions: world.scheduler,
    audit: {
      status: () => anAuditStatus({ rows: auditRows() }),
      retention: () => retained,
      onCommit: () => undefined,
    },
    load: () => world.scheduler.load(),
    ready: () => true,
    refusals: () => new Map([['unknown', 3]]),
    edge: {
      refused: () => ({ requests: 3, forced: 2, overload: 1 }),
      connections: () => 7,
      closed: () => ({ idle: 5 }),
      certificates: () => [
        { certificate: 'server', subject: 'CN=a', notAfterMs: 1_800_000_000_000, daysLeft: 1, lastError: null },
      ],
    },
    source: aSource,
    disk: () => ({ freeBytes: 5e9, sizeBytes: 1e10, databaseBytes: 4096 }),
    version: '1.2.3',
    monotonicMs: () => world.clock.now().monotonicMs,
  });
  for (const evaluation of world.audit.appended) metrics.onEvaluated(evaluation, 20);
  metrics.onAnswered({ route: '/v1/gate/decision', method: 'POST', status: 200, durationMs: 1 });
  metrics.onSourceRequest({ outcome: 'answered', reason: '', durationMs: 12 });
  metrics.onSourceRequest({ outcome: 'failed', reason: 'timeout', durationMs: 5_000 });
  return metrics;
}

function auditRows(): AuditStatus['rows'] {
  const { stored, waiting, dropped } = world.audit.log.stats();
  return {
    evaluation: { stored, waiting, dropped },
    decision: { stored: 7, waiting: 2, dropped: 1 },
    order: { stored: 3, waiting: 0, dropped: 0 },
  };
}

async function lines(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.text()).body.toString().split('\n');
}

const of = (id: string) => `slo="${id}",service="api-gateway",environment="production"`;

describe('the metrics', () => {
  it('tell of the requests to Prometheus, of the circuit breaker before it, and of the disk', async () => {
    const text = await lines(await evaluated());
    for (const line of [
      'aegis_prometheus_requests_total{outcome="answered",reason=""} 1',
      'aegis_prometheus_requests_total{outcome="failed",reason="timeout"} 1',
      'aegis_prometheus_request_duration_seconds_bucket{le="0.025"} 1',
      'aegis_prometheus_request_duration_seconds_count 2',
      'aegis_prometheus_requests_in_flight 3',
      'aegis_circuit_breaker_state{service="prometheus",state="closed"} 0',
      'aegis_circuit_breaker_state{service="prometheus",state="open"} 0',
      'aegis_circuit_breaker_state{service="prometheus",state="half-open"} 1',
      'aegis_circuit_breaker_state{service="prometheus",state="tripped"} 0',
      'aegis_circuit_breaker_refused_total{service="prometheus"} 7',
      'aegis_disk_free_bytes 5000000000',
      'aegis_disk_size_bytes 10000000000',
      'aegis_audit_database_size_bytes 4096',
    ])
      expect(text).toContain(line);
  });

  it('tell of each SLO the decision that stands, and only numbers that were measured', async () => {
    const metrics = await evaluated();
    const text = await lines(metrics);
    for (const [id, decision] of [
      ['fine', 'ALLOW'],
      ['burns', 'BLOCK'],
      ['asleep', 'WARN'],
      ['broken', 'WARN'],
    ]) {
      for (const one of ['ALLOW', 'WARN', 'BLOCK']) {
        expect(text).toContain(`aegis_slo_decision{${of(id!)},decision="${one}"} ${one === decision ? 1 : 0}`);
      }
    }
    expect(text).toContain(`aegis_slo_sli_ratio{${of('fine')}} 0.9995`);
    expect(text.filter((line) => /aegis_slo_(sli|error_budget|burn)/.test(line) && /asleep|broken/.test(line))).toEqual(
      [],
    );
    expect(text).toContain('aegis_evaluations_total{outcome="ok",reason=""} 2');
    expect(text).toContain('aegis_evaluations_total{outcome="no_data",reason=""} 1');
    expect(text).toContain('aegis_evaluations_total{outcome="failed",reason="unreachable"} 1');
    expect(text).toContain(`aegis_slo_evaluations_failed_total{${of('broken')}} 1`);
    expect(text).toContain(`aegis_slo_evaluations_failed_total{${of('fine')}} 0`);
    expect(text).toContain(
      `aegis_slo_evaluation_interval_seconds{${of('fine')}} ${slos[0]!.evaluationInterval.ms / 1000}`,
    );
    expect(text).toContain('aegis_ready 1');
    expect(text).toContain('aegis_slos_loaded 4');
    expect(text).toContain('aegis_audit_rows_stored_total{kind="evaluation"} 4');
    expect(text).toContain('aegis_audit_rows_stored_total{kind="decision"} 7');
    expect(text).toContain('aegis_audit_rows_waiting{kind="decision"} 2');
    expect(text).toContain('aegis_audit_rows_dropped_total{kind="decision"} 1');
    expect(text).toContain('aegis_audit_rows_stored_total{kind="order"} 3');
    expect(text).toContain('aegis_audit_database_up 1');
    expect(text).toContain('aegis_http_requests_total{route="/v1/gate/decision",method="POST",status="200"} 1');
  });

  it('tell what retention did, and nothing that is not known', async () => {
    const metrics = await evaluated();
    const named = /^aegis_audit_(rows_deleted|oldest|last_sweep|growth)/;
    expect((await lines(metrics)).filter((line) => named.test(line) && !line.endsWith(' 0'))).toEqual([]);
    retained = {
      deleted: { evaluation: 5, decision: 4, order: 3, version: 2 },
      oldestMs: { evaluation: 1_000, decision: 2_500, order: null },
      sweptAtMs: 9_000,
      growthBytesPerDay: 1e9,
    };
    expect((await lines(metrics)).filter((line) => named.test(line))).toEqual([
      'aegis_audit_rows_deleted_total{kind="evaluation"} 5',
      'aegis_audit_rows_deleted_total{kind="decision"} 4',
      'aegis_audit_rows_deleted_total{kind="order"} 3',
      'aegis_audit_rows_deleted_total{kind="version"} 2',
      'aegis_audit_oldest_row_timestamp_seconds{kind="evaluation"} 1',
      'aegis_audit_oldest_row_timestamp_seconds{kind="decision"} 2.5',
      'aegis_audit_last_sweep_timestamp_seconds 9',
      'aegis_audit_growth_bytes_per_day 1000000000',
    ]);
  });

  it('follow the age of a decision, and forget an SLO that is gone', async () => {
    const metrics = await evaluated();
    world.source.state.mode = 'manual'; // nothing is answered any more
    await world.clock.advance(10 * 60_000 + 1);
    expect(await lines(metrics)).toContain(`aegis_slo_decision{${of('fine')},decision="WARN"} 1`);
    world.files.remove('fine');
    expect((await lines(metrics)).filter((line) => line.includes(of('fine')))).toEqual([]);
  });

  it('tell of each reload, of the SLO files too, whether it succeeded and when it was', async () => {
    const metrics = await evaluated();
    metrics.onReload('keys', true);
    metrics.onReload('certificates', true);
    metrics.onReload('certificates', false);
    const text = await lines(metrics);
    const success = text.filter((line) => line.startsWith('aegis_last_reload_success{'));
    expect(success.sort()).toEqual([
      'aegis_last_reload_success{what="certificates"} 0',
      'aegis_last_reload_success{what="keys"} 1',
      'aegis_last_reload_success{what="slos"} 1',
    ]);
    const at = text.find((line) => line.startsWith('aegis_last_reload_timestamp_seconds{what="keys"}'));
    expect(Math.abs(Number(at?.split(' ')[1]) - Date.now() / 1000)).toBeLessThan(60);
  });

  it('of many SLOs are written in several turns of the event loop, the series of each metric together', async () => {
    const many = Array.from({ length: 250 }, (_, index) => anSlo({ id: `many-${index}` }));
    const metrics = await evaluated(many);
    let turns = 0;
    const count = () => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    const text = await lines(metrics);
    clearImmediate(counting);
    expect(turns).toBeGreaterThanOrEqual(2);
    for (const name of ['aegis_slo_decision', 'aegis_slo_decision_age_seconds', 'aegis_slo_evaluations_failed_total']) {
      const series = text.filter((line) => line.startsWith(`${name}{slo="many-`));
      expect(series.length).toBeGreaterThan(100);
      const begins = text.findIndex((line) => line.startsWith(`# HELP ${name} `)) + 2;
      expect(text.slice(begins, begins + series.length)).toEqual(series);
    }
    expect(text.filter((line) => line.startsWith('aegis_slo_evaluations_failed_total{'))).toHaveLength(250);
  });

  it('write the names of services as Prometheus reads them', () => {
    expect(labelText({ slo: 'a', service: 'the "best"\nof \\all' })).toBe(
      'slo="a",service="the \\"best\\"\\nof \\\\all"',
    );
  });

  it.skipIf(lacks('promtool'))('pass promtool', async () => {
    const { body, contentType } = await (await evaluated()).text();
    expect(contentType).toContain('text/plain');
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  });
});
