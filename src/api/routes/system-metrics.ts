import { Type } from 'typebox';
import type { SystemReport } from '../../health/ports.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { failure, NumberOrNull, Timestamp } from '../schemas.ts';

const Disk = Type.Object({ freeBytes: Type.Number(), sizeBytes: Type.Number(), databaseBytes: Type.Number() });

type Answer = Omit<SystemReport, 'startedAtMs'> & { readonly startedAt: string };

const System = Type.Unsafe<Answer>(
  Type.Object(
    {
      startedAt: Timestamp,
      uptimeSeconds: Type.Number(),
      cpu: Type.Object({
        userSeconds: Type.Number(),
        systemSeconds: Type.Number(),
        percent: Type.Union([Type.Number(), Type.Null()], {
          description: 'Of one core, over `intervalSeconds`; null before the first interval has passed.',
        }),
        intervalSeconds: Type.Number(),
        cores: Type.Number(),
        loadAverage: Type.Array(Type.Number(), { description: 'Of the machine, over 1, 5 and 15 minutes.' }),
      } satisfies Record<keyof SystemReport['cpu'], unknown>),
      memory: Type.Object({
        rssBytes: Type.Number(),
        heapUsedBytes: Type.Number(),
        heapTotalBytes: Type.Number(),
        externalBytes: Type.Number(),
        limitBytes: Type.Number({ description: 'Of the control group, or else of the machine.' }),
      } satisfies Record<keyof SystemReport['memory'], unknown>),
      fileDescriptors: Type.Object({ open: NumberOrNull, limit: NumberOrNull }),
      disk: Type.Union([Disk, Type.Null()], {
        description: "Of the audit database's file system; null where it is not known.",
      }),
    } satisfies Record<keyof Answer, unknown>,
    { description: 'What the process takes of its machine.' },
  ),
);

export function systemMetricsRoute(app: Api, { system }: Pick<ApiDeps, 'system'>): void {
  app.route({
    method: 'GET',
    url: '/metrics/system',
    config: { access: ['read'] },
    schema: {
      operationId: 'getSystemMetrics',
      summary: 'CPU, memory, file descriptors, disk',
      tags: ['operations'],
      response: { 200: System, 500: failure[500] },
    },
    handler: () => {
      const { startedAtMs, ...report } = system();
      return { startedAt: new Date(startedAtMs).toISOString(), ...report };
    },
  });
}
