import type { Log } from '../log.ts';
import type { Problem } from '../slo/problem.ts';
import type { ServedSet } from './next-set.ts';
import type { CatalogueChange } from './ports.ts';

export interface Loaded {
  /** What was served, and so told of, before; undefined where everything is to be told. */
  readonly before: ServedSet | undefined;
  readonly now: ServedSet;
  readonly change: CatalogueChange;
  readonly directory: string;
}

const mostLinesOfOneFile = 20;
const mostIdsOfOneLine = 100;

/** Logs what a reload did, each problem once; returns it in one sentence. */
export function logLoaded(log: Log, { before, now, change, directory }: Loaded): string {
  const toldErrors = new Set(before?.filesInError.flatMap(({ problems }) => problems.map(formatProblem)));
  for (const { file, problems } of now.filesInError) {
    for (const line of bounded(problems.map(formatProblem), file)) {
      if (!toldErrors.has(line)) log.error(`Failed to load SLOs: ${line}`, { component: 'catalogue', file });
    }
  }
  const toldWarnings = new Set(before?.warnings.map(formatProblem));
  const warnings = now.warnings.filter((warning) => !toldWarnings.has(formatProblem(warning)));
  for (const warning of warnings) log.warn(formatProblem(warning), { component: 'catalogue', file: warning.file });
  if (now.files === 0 && now.filesInError.length === 0) {
    log.error(`Failed to load SLOs: ${directory} holds no *.yaml or *.yml file`, { component: 'catalogue' });
  }
  const message = `Loaded ${now.slos.size} SLOs`;
  const { added, changed, removed } = change;
  log.info(message, {
    ...{ component: 'catalogue', files: now.files },
    ...{ added: named(added), changed: named(changed), removed: named(removed) },
  });
  const bad = now.filesInError.length;
  return bad === 0 ? message : `${message}, ${bad} ${bad === 1 ? 'file' : 'files'} in error`;
}

/** A line of ten thousand ids is read by nobody, and by many a log shipper not at all. */
function named(ids: readonly string[]): readonly string[] {
  if (ids.length <= mostIdsOfOneLine) return ids;
  return [...ids.slice(0, mostIdsOfOneLine), `and ${ids.length - mostIdsOfOneLine} more`];
}

/** `file:line:column path: message`, as a compiler writes it. */
function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return path === '' ? `${place}: ${message}` : `${place} ${path}: ${message}`;
}

function bounded(lines: readonly string[], file: string): readonly string[] {
  if (lines.length <= mostLinesOfOneFile) return lines;
  return [...lines.slice(0, mostLinesOfOneFile), `${file}: and ${lines.length - mostLinesOfOneFile} more problems`];
}
