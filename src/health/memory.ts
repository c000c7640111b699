import {
  componentNames,
  healthStatuses,
  type ComponentHealth,
  type ComponentName,
  type Finding,
  type HealthReport,
  type HealthStatus,
} from './ports.ts';

/** Remembers since when each component has the status that it has. */
export interface Memory {
  remember(findings: Readonly<Partial<Record<ComponentName, Finding>>>, nowMs: number): HealthReport;
}

export function createMemory(): Memory {
  const known = new Map<ComponentName, { readonly status: HealthStatus; readonly sinceMs: number }>();

  function since(name: ComponentName, status: HealthStatus, nowMs: number): number {
    const before = known.get(name);
    if (before?.status === status) return before.sinceMs;
    known.set(name, { status, sinceMs: nowMs });
    return nowMs;
  }

  return {
    remember(findings, nowMs) {
      const components: Partial<Record<ComponentName, ComponentHealth>> = {};
      for (const name of componentNames) {
        const found = findings[name];
        if (found !== undefined) components[name] = { ...found, sinceMs: since(name, found.status, nowMs) };
      }
      return { status: worstOf(Object.values(components)), checkedAtMs: nowMs, components };
    },
  };
}

function worstOf(found: readonly Finding[]): HealthStatus {
  return found.map(({ status }) => status).reduce(worse, 'ok');
}

function worse(a: HealthStatus, b: HealthStatus): HealthStatus {
  return healthStatuses.indexOf(a) < healthStatuses.indexOf(b) ? b : a;
}
