import { pattern, type Pattern } from './pattern.ts';
import type { Identity, SloRef } from './ports.ts';

/** The SLOs that somebody may ask for, as a file says it: all three have to match where they are given. */
export interface SloGrant {
  readonly slos: readonly string[] | undefined;
  readonly services: readonly string[] | undefined;
  readonly environments: readonly string[] | undefined;
}

/** What an identity may see. Without a restriction everything, also what is not of one SLO. */
export function sightOf({ slos, services, environments }: SloGrant): Pick<Identity, 'seesAll' | 'maySee'> {
  if (slos === undefined && services === undefined && environments === undefined) {
    return { seesAll: true, maySee: () => true };
  }
  const [isId, isService, isEnvironment] = [anyOf(slos), anyOf(services), anyOf(environments)];
  return {
    seesAll: false,
    maySee: ({ id, service, environment }: SloRef) => isId(id) && isService(service) && isEnvironment(environment),
  };
}

function anyOf(globs: readonly string[] | undefined): Pattern {
  if (globs === undefined) return () => true;
  const patterns = globs.map(pattern);
  return (text) => patterns.some((matches) => matches(text));
}
