import type { SloDocument } from '../../../src/slo/model.ts';
import { counter, historySeconds, type TestSeries } from '../../support/metric-scenarios.ts';
import { sloDocument } from '../../support/slo.ts';

/** Every fault is shown on two SLOs: of a service that is well, and of one that burns its budget twenty times too fast. */
export const healths = ['healthy', 'burning'] as const;
export type Health = (typeof healths)[number];

const errorShare: Readonly<Record<Health, number>> = { healthy: 0.0005, burning: 0.1 };

/** `requests_total` of both services, 100 requests a second in each. */
export function requestSeries(source: string): TestSeries[] {
  return healths.flatMap((health) => {
    const perSecond = (code: string, share: number) =>
      counter('requests_total', { source, health, code }, [[-historySeconds, 100 * share]]);
    return [perSecond('200', 1 - errorShare[health]), perSecond('500', errorShare[health])];
  });
}

export interface SubjectOptions {
  readonly name: string;
  readonly source: string;
  readonly intervalSeconds: number;
  readonly stalenessLimit: string;
}

export function idOf(name: string, health: Health): string {
  return `${name}.${health}`;
}

/** Four windows: two rules' and the compliance window. */
export function subject(
  health: Health,
  { name, source, intervalSeconds, stalenessLimit }: SubjectOptions,
): SloDocument {
  const id = idOf(name, health);
  const selector = (matchers: string) =>
    `requests_total{source="${source}",health="${health}",${matchers}${markOf(id)}}[{{window}}]`;
  return sloDocument({
    id,
    interval: `${intervalSeconds}s`,
    complianceWindow: '1h',
    rules: [
      { name: 'fast-burn', shortWindow: '2m', longWindow: '10m', threshold: 14 },
      { name: 'slow-burn', shortWindow: '10m', longWindow: '30m', threshold: 7 },
    ],
    good: `sum(rate(${selector('code!="500",')}))`,
    total: `sum(rate(${selector('')}))`,
    gating: { minDataPoints: 3, stalenessLimit },
  });
}

/** A matcher that selects everything, by which the proxy tells the SLOs' queries apart. */
export function markOf(id: string): string {
  return `asked_for!="${id}"`;
}

export function askedFor(query: string | null): string | undefined {
  return /asked_for!="([^"]*)"/.exec(query ?? '')?.[1];
}
