import { Type } from 'typebox';
import type { CatalogueSnapshot } from '../../catalogue/ports.ts';
import type { Problem } from '../../slo/problem.ts';
import type { AuditStatus } from '../../storage/ports.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { failure, RoleSchema, Timestamp } from '../schemas.ts';

const ProblemSchema = Type.Object({
  severity: Type.Enum(['error', 'warning']),
  file: Type.String(),
  line: Type.Optional(Type.Number()),
  column: Type.Optional(Type.Number()),
  path: Type.String({ description: 'JSON path into the document.' }),
  message: Type.String(),
});

const Rows = Type.Object({
  stored: Type.Number(),
  waiting: Type.Number({ description: 'For the database to take them.' }),
  dropped: Type.Number({ description: 'Lost, as too many waited.' }),
});

const Audit = Type.Object(
  {
    state: Type.Enum(['open', 'unavailable', 'replaced', 'closed', 'read-only'], {
      description:
        'replaced: another file was put in its place; it takes rows after a restart. read-only: this is a replica.',
    }),
    since: Timestamp,
    rows: Type.Object({ evaluation: Rows, decision: Rows, order: Rows }, { description: 'Since the start.' }),
    lastError: Type.Union([Type.String(), Type.Null()], {
      description: 'What is in the way of writing now; null where nothing is.',
    }),
  },
  { description: 'The audit database.' },
);

const Status = Type.Object(
  {
    version: Type.String(),
    startedAt: Timestamp,
    adapter: Type.String(),
    role: RoleSchema,
    slosLoaded: Type.Number(),
    files: Type.Object({
      read: Type.Number(),
      inError: Type.Array(
        Type.Object({
          file: Type.String(),
          problems: Type.Array(ProblemSchema),
          keeps: Type.Array(Type.String(), {
            description: 'SLOs that are served from its last good version; a restart would not load them.',
          }),
        }),
      ),
      warnings: Type.Array(ProblemSchema),
    }),
    lastReload: Type.Object({
      at: Timestamp,
      outcome: Type.Enum(['ok', 'errors', 'kept']),
      message: Type.String(),
    }),
    audit: Audit,
  },
  { description: 'What runs here, and what it has read.' },
);

export function statusRoutes(app: Api, { catalogue, about, auditStatus }: StatusDeps): void {
  app.route({
    method: 'GET',
    url: '/v1/status',
    config: { access: ['read'] },
    schema: {
      operationId: 'getStatus',
      summary: 'Version, start, SLO files loaded and in error, the audit database',
      tags: ['operations'],
      response: { 200: Status, 500: failure[500] },
    },
    handler: () => ({
      version: about.version,
      startedAt: new Date(about.startedAtMs).toISOString(),
      adapter: about.adapter,
      role: about.role,
      ...filesOf(catalogue.current()),
      audit: auditAnswer(auditStatus()),
    }),
  });
}

type StatusDeps = Pick<ApiDeps, 'catalogue' | 'about' | 'auditStatus'>;

function auditAnswer({ state, sinceMs, rows, lastError }: AuditStatus) {
  return { state, since: new Date(sinceMs).toISOString(), rows, lastError };
}

function filesOf({ slos, files, filesInError, warnings, lastReload }: CatalogueSnapshot) {
  return {
    slosLoaded: slos.size,
    files: {
      read: files,
      inError: filesInError.map(({ file, problems, keeps }) => ({
        file,
        problems: problems.map(problemAnswer),
        keeps: [...keeps],
      })),
      warnings: warnings.map(problemAnswer),
    },
    lastReload: {
      at: new Date(lastReload.atMs).toISOString(),
      outcome: lastReload.outcome,
      message: lastReload.message,
    },
  };
}

/** Without the text of the line, which may hold what only the owner of the file should read. */
function problemAnswer({ severity, file, line, column, path, message }: Problem) {
  return {
    severity,
    file,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
    path,
    message,
  };
}
