import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { doJobs } from './jobs.ts';

/**
 * A metrics source that keeps up: it knows what the parts of a union are called, and answers each with a healthy number,
 * compressed as Prometheus does it, after a delay that costs nothing.
 */
let delayMs = 0;
const tagOf = /"__aegis_part__","([^"]*)","__aegis_part__"/g;
const values: Readonly<Record<string, number>> = { good: 9_995, total: 10_000, age: 5, recent: 40, covered: 60 };
const answers = new Map<string, Buffer>();

function answerTo(query: string): Buffer {
  // Of the last five seconds, so that one answer serves many.
  const atSeconds = Math.floor(Date.now() / 5_000) * 5;
  const tags = [...query.matchAll(tagOf)].map(([, tag]) => tag);
  const key = `${atSeconds} ${tags.join(' ')}`;
  const known = answers.get(key);
  if (known !== undefined) return known;
  const result = (tags.length > 0 ? tags : [undefined]).map((tag) => ({
    metric: tag === undefined ? {} : { __aegis_part__: tag },
    value: [atSeconds, String(values[tag?.replace(/:.*/, '') ?? ''] ?? 120)],
  }));
  const made = gzipSync(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  if (answers.size > 1_000) answers.clear();
  answers.set(key, made);
  return made;
}

async function answer(response: ServerResponse, form: string): Promise<void> {
  const body = answerTo(new URLSearchParams(form).get('query') ?? '');
  if (delayMs > 0) await wait(delayMs);
  const encoding = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  response.writeHead(200, { ...encoding, 'content-length': body.length }).end(body);
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => void answer(response, Buffer.concat(chunks).toString()));
});
// An idle connection is not closed under its client.
server.keepAliveTimeout = 120_000;

doJobs({
  async listen(delay: number) {
    delayMs = delay;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
});
