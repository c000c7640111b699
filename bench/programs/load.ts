import autocannon from 'autocannon';
import { doJobs } from './jobs.ts';

/** So many requests, as fast as so many connections get their answers. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly amount: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the client looks for answers all the time: to wake one that sleeps is CPU time of the server that writes. */
  readonly isAwake: boolean;
}

export interface Loaded {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

doJobs({
  async load({ url, connections, amount, body, headers, isAwake }: Load): Promise<Loaded> {
    const run = autocannon({
      ...{ url, connections, amount, body, method: 'POST' },
      headers: { 'content-type': 'application/json', ...headers },
    });
    // Its own histogram counts whole milliseconds.
    const times: number[] = [];
    run.on('response', (_client, _status, _bytes, ms) => times.push(ms));
    let isOver = false;
    const stayAwake = () => {
      if (!isOver) setImmediate(stayAwake);
    };
    if (isAwake) stayAwake();
    const { errors, non2xx, duration } = await run;
    isOver = true;
    if (errors > 0 || non2xx > 0 || times.length < amount) {
      throw new Error(`${url}: ${errors} errors, ${non2xx} refused, ${times.length} of ${amount} answered`);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.ceil(share * times.length) - 1] ?? NaN;
    return { p50Ms: at(0.5), p99Ms: at(0.99), perSecond: amount / duration };
  },
});
