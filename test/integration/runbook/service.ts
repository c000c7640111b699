import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

/** The unit `aegis-server`, run as systemd would: by commands of a `systemctl` that stands first on the PATH. */
export interface Service {
  readonly start: () => Promise<void>;
  /** SIGTERM, and SIGKILL where that does not end it. */
  readonly stop: () => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly isActive: () => boolean;
  readonly pid: () => number;
  /** Kills what runs; there is no systemctl any more. */
  readonly close: () => Promise<void>;
}

export interface Unit {
  readonly bin: string;
  /** Where the package lies. */
  readonly home: string;
  readonly config: string;
  readonly console: string;
  readonly env: NodeJS.ProcessEnv;
}

export async function createService(unit: Unit): Promise<Service> {
  let child: ChildProcess | undefined;
  const isActive = () => child?.exitCode === null && child.signalCode === null;

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || !isActive()) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child?.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(late);
  }
  const service: Service = {
    async start() {
      if (isActive()) return;
      const log = openSync(unit.console, 'a');
      child = spawn(join(unit.bin, 'aegis-server'), ['--config', unit.config], {
        env: unit.env,
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      await once(child, 'spawn');
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    isActive,
    pid() {
      if (child?.pid === undefined) throw new Error('the service was never started');
      return child.pid;
    },
    async close() {
      await end('SIGKILL');
      systemd.close();
    },
  };

  const verbs: Readonly<Record<string, () => Promise<void> | void>> = {
    start: service.start,
    enable: service.start,
    stop: service.stop,
    restart: async () => {
      await service.stop();
      await service.start();
    },
    reload: () => void child?.kill('SIGHUP'),
    'is-active': () => undefined,
  };
  const systemd = createServer((request, response) => {
    const verb = verbs[request.url?.slice(1) ?? ''];
    const answer = (status: number, text: string) => response.writeHead(status).end(text);
    if (verb === undefined) answer(404, `systemctl of the test: unknown ${request.url ?? ''}\n`);
    else Promise.resolve(verb()).then(() => answer(200, isActive() ? 'active\n' : 'inactive\n'), console.error);
  });
  const socket = join(unit.bin, 'systemd.sock');
  systemd.listen(socket);
  await once(systemd, 'listening');
  await script(join(unit.bin, 'systemctl'), systemctl(socket));
  for (const [name, file] of [
    ['aegis', 'cli.js'],
    ['aegis-server', 'server.js'],
  ] as const)
    await script(join(unit.bin, name), `exec '${process.execPath}' '${join(unit.home, 'dist', file)}' "$@"`);
  return service;
}

async function script(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/bash\nset -eu\n${body}\n`);
  await chmod(path, 0o755);
}

/** Says what it was asked for to the test; of a unit that is not ours it knows nothing. */
const systemctl = (socket: string) => `
[ "\${@: -1}" = aegis-server ] || { echo "Unit \${@: -1} not found." >&2; exit 5; }
answer=$(curl -sSf --unix-socket '${socket}' "http://systemd/$1")
if [ "$1" = is-active ]; then echo "$answer"; [ "$answer" = active ]; fi`;
