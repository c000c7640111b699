import type { Finding, HealthReport, HealthStatus, SystemReport } from '../../src/health/ports.ts';
import { noon } from './evaluation.ts';

/** A report in which Prometheus is as the test says, and all else is well. */
export function aHealthReport(prometheus: HealthStatus = 'ok'): HealthReport {
  const found = (details: Finding['details'], status: HealthStatus = 'ok') => ({
    ...{ status, message: 'as it should be', lastError: null, sinceMs: noon },
    ...(details !== undefined && { details }),
  });
  return {
    status: prometheus,
    checkedAtMs: noon,
    components: {
      sloFiles: found({ loaded: 1, filesInError: 0 }),
      prometheus: {
        ...found(
          { circuitBreaker: 'open', lastSuccess: new Date(noon).toISOString(), lastFailure: null, slosUnanswered: 0 },
          prometheus,
        ),
        latencyMs: 12,
      },
      scheduler: found({ slos: 1, waiting: 0, running: 0, overdue: 0, notEvaluatedYet: 0, slotsMissed: 0 }),
      database: found({ state: 'open', rowsStored: 1, rowsWaiting: 0, rowsDropped: 0 }),
      disk: found({ freeBytes: null, sizeBytes: null, databaseBytes: null }),
      eventLoop: { ...found({ greatestMsOfLastMinute: 0 }), latencyMs: 0 },
      certificates: found({ daysLeft: 90 }),
    },
  };
}

export function aSystemReport(): SystemReport {
  return {
    startedAtMs: noon,
    uptimeSeconds: 1,
    cpu: { userSeconds: 1, systemSeconds: 1, percent: null, intervalSeconds: 0, cores: 2, loadAverage: [1, 1, 1] },
    memory: { rssBytes: 1, heapUsedBytes: 1, heapTotalBytes: 1, externalBytes: 1, limitBytes: 1 },
    fileDescriptors: { open: 20, limit: null },
    disk: { freeBytes: 1, sizeBytes: 2, databaseBytes: 1 },
  };
}
