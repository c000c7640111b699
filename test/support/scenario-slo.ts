import type { SloDocument } from '../../src/slo/model.ts';
import { sloDocument, type SloOptions } from './slo.ts';

/** An SLO like the README's over one scenario of metric-scenarios.ts, whose name is its id. */
export function scenarioSlo(scenario: string, changes: SloOptions = {}): SloDocument {
  return sloDocument({
    id: scenario,
    good: `sum(rate(http_requests_total{scenario="${scenario}",status!~"5.."}[{{window}}]))`,
    total: `sum(rate(http_requests_total{scenario="${scenario}"}[{{window}}]))`,
    ...changes,
  });
}
