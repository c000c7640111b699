import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** SLOs of a directory, as a platform team's generator writes them: six windows, an evaluation a minute. */
const perService = 20;

export const sloId = (index: number) => `svc-${String(index).padStart(5, '0')}-availability`;

/** Writes one file an SLO, in a directory for each service. */
export function writeSlos(directory: string, count: number, revision = 1): void {
  for (let service = 0; service * perService < count; service += 1) {
    const below = join(directory, `team-${service % 25}`, `service-${service}`);
    mkdirSync(below, { recursive: true });
    for (let index = service * perService; index < Math.min(count, (service + 1) * perService); index += 1) {
      writeFileSync(join(below, `${sloId(index)}.yaml`), sloText(index, service, revision));
    }
  }
}

function sloText(index: number, service: number, revision: number): string {
  const series = `service="service-${service}",route="/v1/route-${index}",cluster="eu-west-1"`;
  return `apiVersion: aegis.slo/v1
kind: SLO
metadata:
  id: ${sloId(index)}
  service: service-${service}
  owner: team-${service % 25}@example.com
  description: Requests of route ${index} that are answered without an error of the server.
  labels:
    tier: "1"
    revision: "${revision}"
spec:
  environment: ${index % 4 === 0 ? 'staging' : 'production'}
  objective: 0.999
  complianceWindow: 30d
  evaluationInterval: 60s
  sli:
    type: availability
    good:
      prometheusQuery: sum(rate(http_requests_total{${series},status!~"5.."}[{{window}}]))
    total:
      prometheusQuery: sum(rate(http_requests_total{${series}}[{{window}}]))
  burnPolicy:
    rules:
      - { name: fast-burn, shortWindow: 5m, longWindow: 1h, threshold: 14.4, action: BLOCK }
      - { name: slow-burn, shortWindow: 30m, longWindow: 6h, threshold: 6, action: BLOCK }
      - { name: creeping-burn, shortWindow: 6h, longWindow: 3d, threshold: 1, action: WARN }
  gating:
    minDataPoints: 10
    stalenessLimit: 5m
`;
}
