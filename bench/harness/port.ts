import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Below the range from which the system takes ports for outgoing connections, so that nobody takes it meanwhile. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no free port found');
}

/** Resolves as soon as something accepts a connection there, seen each millisecond. */
export async function untilListening(port: number, isOver: () => boolean, boundMs = 60_000): Promise<void> {
  const deadline = performance.now() + boundMs;
  while (!(await accepts(port))) {
    if (isOver()) throw new Error(`what was to listen on port ${port} has ended`);
    if (performance.now() > deadline) throw new Error(`nothing listens on port ${port} within ${boundMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
