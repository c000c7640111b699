import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { root } from './running.ts';

/** The configuration of examples/nginx as a machine of its own: its addresses, files and ports are the test's. */
export interface NginxOptions {
  /** Holds all that it reads and writes. */
  readonly directory: string;
  readonly port: number;
  /** Ports of the active server and of its replica, on 127.0.0.1. */
  readonly upstreams: readonly [active: number, replica: number];
  /** With it, examples/nginx/aegis-tls.conf is there too. */
  readonly tls?: { readonly port: number; readonly certFile: string; readonly keyFile: string };
}

export interface TestNginx {
  readonly url: string;
  errors(): string;
  stop(): Promise<void>;
}

const example = (name: string) => readFileSync(join(root, 'examples/nginx', name), 'utf8');

/** Writes the configuration, and has nginx check it: what `nginx -t` says. */
export function checkNginx(options: NginxOptions): string {
  const { directory } = options;
  writeConfiguration(options);
  // Its words are on stderr; what it refuses ends it with an error that has them.
  return execFileSync('sh', ['-c', 'exec nginx -t -p "$0" -e error.log -c nginx.conf 2>&1', directory], {
    encoding: 'utf8',
  });
}

export async function startNginx(options: NginxOptions): Promise<TestNginx> {
  const { directory, port } = options;
  writeConfiguration(options);
  const child = spawn('nginx', ['-p', directory, '-e', 'error.log', '-c', 'nginx.conf', '-g', 'daemon off;'], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const errors = () => readFileSync(join(directory, 'error.log'), 'utf8');
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (child.exitCode === null) await fetch(`${url}/admin/`, { signal: AbortSignal.timeout(2_000) });
  });
  if (child.exitCode !== null) throw new Error(`nginx has ended: ${errors()}`);
  return {
    url,
    errors,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function writeConfiguration({ directory, port, upstreams: [active, replica], tls }: NginxOptions): void {
  const at = (text: string) =>
    text
      .replace('10.0.0.11:8080', `127.0.0.1:${active}`)
      .replace('10.0.0.12:8080', `127.0.0.1:${replica}`)
      .replace('listen 80;', `listen 127.0.0.1:${port};`)
      .replaceAll('/etc/nginx/snippets/', `${directory}/`);
  mkdirSync(join(directory, 'temp'), { recursive: true });
  writeFileSync(join(directory, 'aegis-proxy.conf'), at(example('aegis-proxy.conf')));
  writeFileSync(join(directory, 'aegis.conf'), at(example('aegis.conf')));
  if (tls !== undefined) {
    const text = at(example('aegis-tls.conf'))
      .replace('listen 443', `listen 127.0.0.1:${tls.port}`)
      .replace('/etc/nginx/tls/aegis.crt', tls.certFile)
      .replace('/etc/nginx/tls/aegis.key', tls.keyFile);
    writeFileSync(join(directory, 'aegis-tls.conf'), text);
  }
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(directory, 'nginx.conf'),
    `worker_processes 2;
pid nginx.pid;
error_log error.log info;
events {}
http {
  access_log off;
${temp.map((name) => `  ${name}_temp_path temp/${name};`).join('\n')}
  include aegis.conf;
  ${tls === undefined ? '' : 'include aegis-tls.conf;'}
}
`,
  );
}
