import { Type } from 'typebox';
import { healthStatuses, type ComponentHealth, type ComponentName, type HealthReport } from '../../health/ports.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { failure, NumberOrNull, StringOrNull, Timestamp } from '../schemas.ts';

const Status = Type.Enum([...healthStatuses], {
  description: '`degraded`: decisions go on, somebody should look. `down`: they cannot be had, or cannot be ALLOW.',
});

const componentProperties = {
  status: Status,
  since: Timestamp,
  message: Type.String({ description: 'What is; and where it is not as it should be, what helps.' }),
  lastError: StringOrNull,
  latencyMs: Type.Optional(Type.Union([Type.Number(), Type.Null()], { description: 'Where it has a meaning.' })),
};

/** With the numbers and words that it has besides; all are always there. */
function component<Name extends string>(details: Readonly<Record<Name, typeof NumberOrNull | typeof StringOrNull>>) {
  return Type.Object({ ...componentProperties, details: Type.Object(details) });
}

const components = {
  sloFiles: component({ loaded: NumberOrNull, filesInError: NumberOrNull }),
  prometheus: component({
    circuitBreaker: StringOrNull,
    lastSuccess: StringOrNull,
    lastFailure: StringOrNull,
    slosUnanswered: NumberOrNull,
  }),
  scheduler: component({
    slos: NumberOrNull,
    waiting: NumberOrNull,
    running: NumberOrNull,
    overdue: NumberOrNull,
    notEvaluatedYet: NumberOrNull,
    slotsMissed: NumberOrNull,
  }),
  database: component({
    state: StringOrNull,
    rowsStored: NumberOrNull,
    rowsWaiting: NumberOrNull,
    rowsDropped: NumberOrNull,
  }),
  disk: component({ freeBytes: NumberOrNull, sizeBytes: NumberOrNull, databaseBytes: NumberOrNull }),
  eventLoop: component({ greatestMsOfLastMinute: NumberOrNull }),
  certificates: component({ daysLeft: NumberOrNull }),
} satisfies Record<ComponentName, unknown>;

type Answer = Omit<HealthReport, 'components' | 'checkedAtMs'> & {
  readonly checkedAt: string;
  readonly components: Readonly<Partial<Record<ComponentName, Omit<ComponentHealth, 'sinceMs'> & { since: string }>>>;
};

const report = (description: string) =>
  Type.Unsafe<Answer>(
    Type.Object(
      {
        status: Status,
        checkedAt: Timestamp,
        components: Type.Object({
          ...components,
          prometheus: Type.Optional(components.prometheus),
          certificates: Type.Optional(components.certificates),
        }),
      },
      { description },
    ),
  );

export function comprehensiveHealthRoute(app: Api, { health }: Pick<ApiDeps, 'health'>): void {
  app.route({
    method: 'GET',
    url: '/healthz/comprehensive',
    config: { access: ['read'], work: 'health' },
    schema: {
      operationId: 'getComprehensiveHealth',
      summary: 'How is each component, since when, and what helps?',
      tags: ['operations'],
      response: {
        200: report('No component that decisions need is down.'),
        500: failure[500],
        503: report('A component that decisions need is down.'),
      },
    },
    handler: (_request, reply) => {
      const { status, checkedAtMs, components } = health();
      void reply.code(status === 'down' ? 503 : 200);
      return { status, checkedAt: instant(checkedAtMs), components: answered(components) };
    },
  });
}

function answered(components: HealthReport['components']): Answer['components'] {
  return Object.fromEntries(
    Object.entries(components).map(([name, { sinceMs, ...found }]) => [name, { ...found, since: instant(sinceMs) }]),
  );
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
