import { addressGroup } from '../access/address-group.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { createRareLog } from './limits/rare-log.ts';

/** Tells which clients do not come through the TLS handshake, and why: whoever looks for a refused certificate needs it. */
export function logHandshakeErrors({
  log,
  clock,
}: {
  log: Log;
  clock: Clock;
}): (error: Error, address: string) => void {
  const sayRarely = createRareLog(clock);
  return (error, address) => {
    const client = addressGroup(address);
    sayRarely(client, (suppressed) => {
      const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
      log.info('TLS handshake failed', { component: 'api', client, error: code ?? messageOf(error), suppressed });
    });
  };
}
