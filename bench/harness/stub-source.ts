import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

/**
 * A metrics source that keeps up: a process of its own that answers `POST /api/v1/query` with healthy numbers after
 * `AEGIS_STUB_DELAY_MS`, whatever is asked. It tells its port on standard output, and ends with its standard input.
 *
 *     tsx bench/harness/stub-source.ts
 *
 * `GET /requests` answers how many queries came.
 */
const delayMs = Number(process.env.AEGIS_STUB_DELAY_MS ?? 5);
const tagOf = /"__aegis_part__","([^"]*)","__aegis_part__"/g;
let requests = 0;

/** What is read of each part of a union; a query by itself is answered like a count. */
const values: Readonly<Record<string, number>> = { good: 9_995, total: 10_000, age: 5, recent: 40, covered: 60 };

function sample(tag: string | undefined, atSeconds: number) {
  const value = values[tag?.replace(/:.*/, '') ?? ''] ?? 120;
  return { metric: tag === undefined ? {} : { __aegis_part__: tag }, value: [atSeconds, String(value)] };
}

function answer(form: URLSearchParams): string {
  const atSeconds = Number(form.get('time') ?? Date.now() / 1000);
  const tags = [...(form.get('query') ?? '').matchAll(tagOf)].map(([, tag]) => tag);
  const result = (tags.length > 0 ? tags : [undefined]).map((tag) => sample(tag, atSeconds));
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/requests') return void response.end(String(requests));
    requests += 1;
    const body = gzipSync(answer(new URLSearchParams(Buffer.concat(chunks).toString())), { level: 1 });
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(body);
    }, delayMs);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
