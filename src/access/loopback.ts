/** Whether an address or host name is this machine itself, and nothing else. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return /^127\.\d+\.\d+\.\d+$/.test(bare) || bare === '::1' || bare.toLowerCase() === 'localhost';
}
