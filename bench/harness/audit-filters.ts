import type { AuditFilter, DecisionFilter } from '../../src/storage/ports.ts';

const pick = (count: number) => Math.floor(Math.random() * count);
const slo = () => ({ sloId: `slo-${pick(200)}` });
const service = () => ({ service: `service-${pick(40)}` });
const environment = () => ({ environment: ['production', 'staging', 'test'][pick(3)] ?? 'test' });
/** A service and an environment that go together. */
const place = () => {
  const index = pick(120);
  return {
    service: `service-${index % 40}`,
    environment: ['production', 'staging', 'test'][index % 3] ?? 'test',
  };
};
/** A day of the last thirty. */
const day = () => {
  const startMs = Date.now() - (2 + pick(27)) * 86_400_000;
  return { startMs, endMs: startMs + 86_400_000 };
};

type Made<F> = Omit<F, 'limit' | 'cursor' | 'offset'>;

/** The filters of `/v1/audit` and their combinations, each with other values at each call. */
export const evaluationFilters: Readonly<Record<string, () => Made<AuditFilter>>> = {
  'no filter': () => ({}),
  sloID: slo,
  service,
  environment,
  'decision=ALLOW': () => ({ decision: 'ALLOW' }),
  'decision=WARN': () => ({ decision: 'WARN' }),
  'decision=BLOCK': () => ({ decision: 'BLOCK' }),
  'a day': day,
  'service, environment': place,
  'sloID, decision=BLOCK': () => ({ ...slo(), decision: 'BLOCK' }),
  'sloID, a day': () => ({ ...slo(), ...day() }),
  'service, decision=BLOCK': () => ({ ...service(), decision: 'BLOCK' }),
  'environment, decision=BLOCK': () => ({ ...environment(), decision: 'BLOCK' }),
  'decision=BLOCK, a day': () => ({ decision: 'BLOCK', ...day() }),
  'service, environment, decision=BLOCK, a day': () => ({ ...place(), decision: 'BLOCK', ...day() }),
};

/** The same of `/v1/audit/decisions`. */
export const decisionFilters: Readonly<Record<string, () => Made<DecisionFilter>>> = {
  'no filter': () => ({}),
  sloID: slo,
  'decision=BLOCK': () => ({ decision: 'BLOCK' }),
  caller: () => ({ caller: `pipeline-${pick(20)}` }),
  'caller, decision=BLOCK': () => ({ caller: `pipeline-${pick(20)}`, decision: 'BLOCK' }),
  'a day': day,
};

/** As a client asks for it. */
export function queryOf({ sloId, startMs, endMs, limit, ...rest }: Made<AuditFilter> & { limit?: number }): string {
  const instant = (ms: number) => new Date(ms).toISOString();
  return new URLSearchParams({
    ...rest,
    ...(limit !== undefined && { limit: String(limit) }),
    ...(sloId !== undefined && { sloID: sloId }),
    ...(startMs !== undefined && { startTime: instant(startMs) }),
    ...(endMs !== undefined && { endTime: instant(endMs) }),
  }).toString();
}
