import { addressGroup } from '../../access/address-group.ts';
import type { Identity } from '../../access/ports.ts';

/** Whom a limit counts: who was recognised, else the address. */
export function clientOf(identity: Identity, address: string): string {
  return identity.kind === 'key' || identity.kind === 'oidc'
    ? `${identity.kind} ${identity.name}`
    : addressGroup(address);
}
