import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { breakerStates, type SourceControl, type SourceRequest } from '../eval/source-control.ts';

const service = 'prometheus';

/** Requests to Prometheus and the circuit breaker before it. Returns what each request is told to. */
export function addPrometheusMetrics(
  registers: Registry[],
  source: SourceControl | undefined,
): (request: SourceRequest) => void {
  const requests = new Counter({
    name: 'aegis_prometheus_requests_total',
    help: 'Requests to Prometheus by outcome: answered, failed; reason of a failure.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const seconds = new Histogram({
    name: 'aegis_prometheus_request_duration_seconds',
    help: 'Time from sending a request to Prometheus to the end of its answer, or to giving up.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  if (source !== undefined) addSourceGauges(registers, source);
  return ({ outcome, reason, durationMs }) => {
    requests.inc({ outcome, reason });
    seconds.observe(durationMs / 1000);
  };
}

function addSourceGauges(registers: Registry[], { inFlight, breaker }: SourceControl): void {
  new Gauge({
    name: 'aegis_prometheus_requests_in_flight',
    help: 'Requests to Prometheus under way.',
    registers,
    collect() {
      this.set(inFlight());
    },
  });
  new Gauge({
    name: 'aegis_circuit_breaker_state',
    help: 'State of a circuit breaker: 1 for the one it is in; tripped is by an order.',
    labelNames: ['service', 'state'],
    registers,
    collect() {
      const current = breaker.status().state;
      for (const state of breakerStates) this.set({ service, state }, state === current ? 1 : 0);
    },
  });
  new Counter({
    name: 'aegis_circuit_breaker_refused_total',
    help: 'Evaluations that a circuit breaker refused or ended.',
    labelNames: ['service'],
    registers,
    collect() {
      this.reset();
      this.inc({ service }, breaker.status().refused);
    },
  });
}
