/**
 * What is counted as one client: an IPv4 address, or the /64 that an IPv6 address belongs to, of which one machine may
 * have all addresses.
 */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const front = head === '' ? [] : head.split(':');
  // An embedded IPv4 address stands for two groups.
  const back =
    tail === undefined || tail === ''
      ? []
      : tail.split(':').flatMap((part) => (part.includes('.') ? ['', ''] : [part]));
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array<string>(zeros).fill('0'), ...back];
  const network = groups.slice(0, 4).map((group) => (parseInt(group, 16) || 0).toString(16));
  return `${network.join(':')}::/64`;
}
