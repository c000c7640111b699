import { setPriority } from 'node:os';
import { Pool } from 'undici';
import { doJobs } from './jobs.ts';

/** Decisions at a fixed rate, whatever becomes of those before. */
export interface Pace {
  readonly url: string;
  readonly perSecond: number;
  readonly forMs: number;
  /** Asked in turn. */
  readonly sloIds: readonly string[];
}

try {
  setPriority(-5); // it is a stopwatch: what keeps it from looking is no time of the server's
} catch {
  // Only root may.
}

async function timed(pool: Pool, sloID: string): Promise<number> {
  const startedMs = performance.now();
  const { statusCode, body } = await pool.request({
    ...{ method: 'POST', path: '/v1/gate/decision', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ sloID }),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`a decision was answered with ${statusCode}`);
  return performance.now() - startedMs;
}

doJobs({
  /** Milliseconds of each, from when it was sent. */
  async ask({ url, perSecond, forMs, sloIds }: Pace): Promise<number[]> {
    const pool = new Pool(url, { connections: 32, pipelining: 1 });
    const amount = (perSecond * forMs) / 1000;
    const startedMs = performance.now();
    const times: Promise<number>[] = [];
    while (times.length < amount) {
      const due = Math.min(amount, Math.floor(((performance.now() - startedMs) * perSecond) / 1000) + 1);
      while (times.length < due) times.push(timed(pool, sloIds[times.length % sloIds.length] ?? ''));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const all = await Promise.all(times);
    await pool.close();
    return all;
  },
});
