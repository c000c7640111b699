import type { Problem } from './problem.ts';
import type { ParsedSlo } from './read-document.ts';
import type { Place } from './source.ts';

/** The error of an SLO whose id stands in other places too. */
export function duplicateOf({ slo, place }: ParsedSlo, others: readonly ParsedSlo[]): Problem {
  const where = others.map((other) => formatPlace(other.place)).join(', ');
  const message = `the id ${slo.id} is also in ${where}: ids are unique over the directory`;
  return { severity: 'error', ...place, path: 'metadata.id', message };
}

function formatPlace({ file, line }: Place): string {
  return line === undefined ? file : `${file}:${line}`;
}
