import { Counter, Gauge, type Registry } from 'prom-client';
import type { CertificateStatus } from '../tls/ports.ts';

/** What the HTTP server counts anyway, read when Prometheus asks. */
export interface EdgeSources {
  readonly refused: () => { readonly requests: number; readonly forced: number; readonly overload: number };
  readonly connections: () => number;
  /** By the reason, a closed set. */
  readonly closed: () => Readonly<Record<string, number>>;
  readonly certificates: () => readonly CertificateStatus[];
}

export function addEdgeMetrics(registers: Registry[], edge: EdgeSources): void {
  new Counter({
    name: 'aegis_rate_limited_total',
    help: 'Requests refused with 429, by budget: requests, or forced evaluations.',
    labelNames: ['budget'],
    registers,
    collect() {
      const { requests, forced } = edge.refused();
      this.reset();
      this.inc({ budget: 'requests' }, requests);
      this.inc({ budget: 'forced' }, forced);
    },
  });
  new Counter({
    name: 'aegis_overload_rejections_total',
    help: 'Requests refused with 503 because the server had too much to do.',
    registers,
    collect() {
      this.reset();
      this.inc(edge.refused().overload);
    },
  });
  new Gauge({
    name: 'aegis_http_connections',
    help: 'Connections of clients that are held.',
    registers,
    collect() {
      this.set(edge.connections());
    },
  });
  new Counter({
    name: 'aegis_http_connections_closed_total',
    help: 'Connections closed to protect the others, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(edge.closed())) this.inc({ reason }, count);
    },
  });
  new Gauge({
    name: 'aegis_tls_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that is in use expires: that of the server, or the first of the client authorities.',
    labelNames: ['certificate'],
    registers,
    collect() {
      this.reset();
      for (const { certificate, notAfterMs } of edge.certificates()) this.set({ certificate }, notAfterMs / 1000);
    },
  });
}
