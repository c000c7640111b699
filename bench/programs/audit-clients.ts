import { setPriority } from 'node:os';
import { request } from 'undici';
import { doJobs } from './jobs.ts';

// Elsewhere they would have cores of their own.
setPriority(10);

let isOver = false;
let clients: Promise<void>[] = [];
let pages = 0;

async function read(urls: readonly string[], from: number): Promise<void> {
  for (let next = from; !isOver; next++) {
    const { statusCode, body } = await request(urls[next % urls.length] ?? '');
    await body.dump({ limit: 10_000_000 });
    // Overloaded is an answer too.
    if (statusCode === 200) pages += 1;
    else if (statusCode !== 503) throw new Error(`a page was answered with ${statusCode}`);
  }
}

doJobs({
  /** Four clients that read these, one after the other, for ever. */
  start(urls: readonly string[]) {
    clients = [0, 1, 2, 3].map((client) => read(urls, Math.floor((client * urls.length) / 4)));
  },
  /** How many pages they read. */
  async stop() {
    isOver = true;
    await Promise.all(clients);
    return pages;
  },
});
