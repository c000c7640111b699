import type { Log } from '../log.ts';
import { isLoopback } from './loopback.ts';
import type { AccessControl } from './ports.ts';

/** Said once, where whoever reaches the port may read and ask. */
export function warnOfOpenDoor(at: { host: string; port: number }, { asksForKey }: AccessControl, log: Log): void {
  const { host, port } = at;
  if (asksForKey || isLoopback(host)) return;
  log.warn(
    `nobody needs a key, and ${host}:${port} can be reached from other machines: set --api-keys-file or --oidc-file`,
    { component: 'access' },
  );
}
