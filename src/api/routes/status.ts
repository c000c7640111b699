import { Type } from 'typebox';
import type { CatalogueSnapshot } from '../../catalogue/ports.ts';
import type { Problem } from '../../slo/problem.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { failure, Timestamp } from '../schemas.ts';

const ProblemSchema = Type.Object({
  severity: Type.Enum(['error', 'warning']),
  file: Type.String(),
  line: Type.Optional(Type.Number()),
  column: Type.Optional(Type.Number()),
  path: Type.String({ description: 'JSON path into the document.' }),
  message: Type.String(),
});

const Status = Type.Object(
  {
    version: Type.String(),
    startedAt: Timestamp,
    adapter: Type.String(),
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
  },
  { description: 'What runs here, and what it has read.' },
);

export function statusRoutes(app: Api, { catalogue, about }: Pick<ApiDeps, 'catalogue' | 'about'>): void {
  app.route({
    method: 'GET',
    url: '/v1/status',
    config: { access: ['read'] },
    schema: {
      operationId: 'getStatus',
      summary: 'Version, start, SLO files loaded and in error',
      tags: ['operations'],
      response: { 200: Status, 500: failure[500] },
    },
    handler: () => ({
      version: about.version,
      startedAt: new Date(about.startedAtMs).toISOString(),
      adapter: about.adapter,
      ...filesOf(catalogue.current()),
    }),
  });
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
