import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { AegisError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** What every system takes (macOS 103, Linux 107). */
const longestPathBytes = 103;

/**
 * Listens on a Unix socket that only the server's own user can open, from its first moment on. What a server that was
 * killed has left there is removed; anything else is left alone, and is an error. The socket goes with its server.
 */
export async function listenOnAdminSocket(server: Server, path: string, log: Log): Promise<void> {
  const refused = (why: string, cause?: unknown) =>
    new AegisError('invalid_setting', `--admin-socket: ${JSON.stringify(path)}: ${why}`, { cause });
  // Node would cut a longer one, and listen elsewhere.
  if (Buffer.byteLength(path) > longestPathBytes) throw refused(`it is longer than ${longestPathBytes} bytes`);
  try {
    await makeRoom(path, refused);
    // The path comes into being within this call, with the mode that the mask leaves.
    const mask = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(mask);
    }
    await once(server, 'listening');
  } catch (error) {
    throw error instanceof AegisError ? error : refused(`cannot listen there (${messageOf(error)})`, error);
  }
  log.info(`the admin socket is ${path}`, { component: 'server' });
}

async function makeRoom(path: string, refused: (why: string) => AegisError): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) {
    // Listening there would say "permission denied".
    if (!existsSync(dirname(path))) throw refused("its directory does not exist: make it, for the server's user alone");
    return;
  }
  if (!found.isSocket()) throw refused('there is a file that is no socket: it is left alone');
  if (await answers(path)) throw refused('another process listens there');
  await unlink(path);
}

/** Whether somebody listens. Only a refused connection is proof that nobody does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')));
  });
}
