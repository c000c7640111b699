import { freePort, untilListening } from './port.ts';
import { hasEnded, startProcess, type Owned } from './process.ts';
import { programPath } from './programs.ts';
import type { Workplace } from './workplace.ts';

export interface Reference {
  readonly owned: Owned;
  readonly port: number;
  readonly url: string;
}

/** A server that does nothing but answer with this body. */
export async function launchReference(
  workplace: Workplace,
  program: 'bare-http' | 'bare-fastify',
  bodyFile: string,
  form: 'text' | 'object' = 'text',
): Promise<Reference> {
  const port = await freePort();
  const owned = startProcess(workplace, {
    command: process.execPath,
    args: [programPath(program), String(port), bodyFile, form],
    cwd: workplace.directory,
  });
  return { owned, port, url: `http://127.0.0.1:${port}/v1/gate/decision` };
}

export async function startReference(...args: Parameters<typeof launchReference>): Promise<Reference> {
  const reference = await launchReference(...args);
  await untilListening(reference.port, () => hasEnded(reference.owned.child));
  return reference;
}
