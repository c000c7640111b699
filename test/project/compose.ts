import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../support/running.ts';

export interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: string | readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export const composeFiles = ['docker-compose.yml', 'docker-compose.prometheus.yml'];

export async function readCompose(name: string): Promise<Compose> {
  return parse(await readFile(join(root, name), 'utf8')) as Compose;
}

/** The words of a service's command. */
export function wordsOf(service: Service): readonly string[] {
  if (service.command === undefined) return [];
  return typeof service.command === 'string' ? service.command.trim().split(/\s+/) : service.command;
}

/** A volume `source:target[:mode]`; a source that begins with a dot is a path of the repository. */
export function mountOf(volume: string): { readonly source: string; readonly target: string; readonly mode: string } {
  const [source = '', target = '', mode = 'rw'] = volume.split(':');
  return { source, target, mode };
}
