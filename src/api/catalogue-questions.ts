import type { CatalogueSnapshot, FileInError } from '../catalogue/ports.ts';
import { AegisError } from '../errors.ts';

/** The 404 for an SLO that is not served; where a file that declares it is in error, that file is named. */
export function unknownSlo(snapshot: CatalogueSnapshot, id: string, words: string): AegisError {
  const file = snapshot.filesInError.find(({ declares }) => declares.some((declared) => declared.id === id));
  return new AegisError('unknown_slo', `${words}: ${id}${file === undefined ? '' : ` (${file.file})`}`);
}

/**
 * The files in error that concern a service and environment: they declare it, or the SLO that goes on being served from
 * their last good version belongs to it. Where only the service could be read, it may be any of its environments.
 */
export function filesInErrorOf(snapshot: CatalogueSnapshot, service: string, environment: string): readonly string[] {
  return snapshot.filesInError.filter((file) => concerns(snapshot, file, service, environment)).map(({ file }) => file);
}

function concerns(snapshot: CatalogueSnapshot, file: FileInError, service: string, environment: string): boolean {
  const isDeclared = file.declares.some(
    (declared) => declared.service === service && (declared.environment ?? environment) === environment,
  );
  const isKept = file.keeps.some((id) => {
    const slo = snapshot.slos.get(id)?.slo;
    return slo?.service === service && slo.environment === environment;
  });
  return isDeclared || isKept;
}
