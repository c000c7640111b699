import { isIPv6 } from 'node:net';
import type { Identity } from '../access/ports.ts';

/**
 * Whom a limit counts: who was recognised, else the address. Of IPv6 the network of 64 bits, since one machine has all
 * of its addresses.
 */
export function clientOf(identity: Identity, address: string): string {
  return identity.kind === 'key' || identity.kind === 'oidc' ? `${identity.kind} ${identity.name}` : networkOf(address);
}

export function networkOf(address: string): string {
  if (!address.includes(':') || !isIPv6(address)) return address;
  const [, v4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (v4 !== undefined) return v4;
  const [plain = ''] = address.split('%');
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    // An embedded IPv4 address takes the place of two groups; it stands in the last 64 bits anyway.
    const after = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
    const missing = 8 - groups.length - after;
    groups.push(...Array.from({ length: missing }, () => '0'), ...(tail === '' ? [] : tail.split(':')));
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
