import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '../support/authority.ts';
import { checkNginx } from '../support/nginx.ts';
import { freePort } from '../support/prometheus.ts';
import { root } from '../support/running.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';

describe.skipIf(lacks('nginx', 'openssl'))('examples/nginx', () => {
  it('passes the check of nginx, with TLS and without', async () => {
    const [port, tlsPort] = [await freePort(), await freePort()];
    const upstreams = [8080, 8081] as const;
    const plain = scratch();
    expect(checkNginx({ directory: plain, port, upstreams })).toContain('test is successful');
    const directory = scratch();
    const tls = { port: tlsPort, ...createAuthority(directory).issue('nginx') };
    expect(checkNginx({ directory, port, upstreams, tls })).toContain('test is successful');
  });

  it('waits longer than a forced evaluation takes, and holds connections for less time than the server', () => {
    const text = (name: string) => readFileSync(join(root, 'examples/nginx', name), 'utf8');
    const seconds = (pattern: RegExp, source: string) => Number(pattern.exec(source)?.[1]);
    const settings = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    const deadline = seconds(/`--evaluation-timeout`.*?`(\d+)s`/, settings);
    const read = seconds(/proxy_read_timeout (\d+)s/, text('aegis-proxy.conf'));
    expect(deadline).toBe(8);
    expect(read).toBeGreaterThan(deadline + 0.5);
    expect(read).toBeLessThan(10); // when callers give up
    const fixed = readFileSync(join(root, 'src/api/limits/fixed.ts'), 'utf8');
    const kept = seconds(/keepAliveTimeoutMs: (\d+)_000/, fixed);
    expect(seconds(/keepalive_timeout (\d+)s/, text('aegis.conf'))).toBeLessThan(kept);
  });
});
