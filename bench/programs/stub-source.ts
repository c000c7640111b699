import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { doJobs } from './jobs.ts';

/**
 * A metrics source that keeps up: it knows what the parts of a union are called, and answers each with a healthy number
 * at once, compressed as Prometheus does it.
 */
let asked = 0;
const answers = new Map<string, Buffer>();

function valueOf(tag: string): string {
  if (tag.startsWith('good')) return '99.95';
  if (tag.startsWith('total')) return '100';
  if (tag.startsWith('age')) return '5';
  if (tag.startsWith('points')) return '600';
  if (tag.startsWith('covered')) return '60';
  return '10';
}

function answerTo(query: string): Buffer {
  // The server takes an instant that is a few seconds old.
  const seconds = Math.floor(Date.now() / 5_000) * 5;
  const tags = [...query.matchAll(/"__aegis_part__","([^"]+)","__aegis_part__"/g)].map((match) => match[1] ?? '');
  const key = `${seconds} ${tags.join(' ')}`;
  const known = answers.get(key);
  if (known !== undefined) return known;
  const value = (tag: string) => [seconds, valueOf(tag)];
  const result =
    tags.length === 0
      ? [{ metric: {}, value: value('') }]
      : tags.map((tag) => ({ metric: { __aegis_part__: tag }, value: value(tag) }));
  const made = gzipSync(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  if (answers.size > 1_000) answers.clear();
  answers.set(key, made);
  return made;
}

function answer(response: ServerResponse, form: string): void {
  asked += 1;
  const body = answerTo(new URLSearchParams(form).get('query') ?? '');
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'content-length': body.length,
  });
  response.end(body);
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => answer(response, Buffer.concat(chunks).toString()));
});
// An idle connection of the server's is not closed under it.
server.keepAliveTimeout = 120_000;

doJobs({
  async listen() {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  asked: () => asked,
});
