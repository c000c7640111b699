import { connect } from 'node:net';

export interface FirstAnswer {
  /** When a connection was accepted, and when the answer to the question that was sent at once had come. */
  readonly acceptedMs: number;
  readonly answeredMs: number;
}

/** Asks from the beginning, each millisecond, until a port accepts; instants of `performance.now()`. */
export async function firstAnswer(port: number, sloID: string, boundMs = 60_000): Promise<FirstAnswer> {
  const body = JSON.stringify({ sloID });
  const head = [
    'POST /v1/gate/decision HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  const request = `${head.join('\r\n')}\r\n\r\n${body}`;
  const deadline = performance.now() + boundMs;
  while (performance.now() < deadline) {
    const found = await asked(port, request);
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`port ${port} gave no answer within ${boundMs} ms`);
}

/** Null where nothing listens yet. */
function asked(port: number, request: string): Promise<FirstAnswer | null> {
  return new Promise((resolve, reject) => {
    let acceptedMs: number | undefined;
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      acceptedMs = performance.now();
      socket.write(request);
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.once('end', () => {
      const answeredMs = performance.now();
      if (acceptedMs !== undefined && answer.startsWith('HTTP/1.1 200 ')) resolve({ acceptedMs, answeredMs });
      else reject(new Error(`port ${port} answered ${answer.slice(0, 300)}`));
    });
    socket.once('error', (error) => (acceptedMs === undefined ? resolve(null) : reject(error)));
  });
}
