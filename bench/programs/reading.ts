import type { AuditFilter, DecisionFilter } from '../../src/storage/ports.ts';
import { openAudit } from './audit-port.ts';
import { doJobs } from './jobs.ts';

let storage: Awaited<ReturnType<typeof openAudit>> | undefined;

function opened() {
  if (storage === undefined) throw new Error('no audit is open');
  return storage;
}

/** Milliseconds of each page, one after the other. */
async function timed<F>(filters: readonly F[], page: (filter: F) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (const filter of filters) {
    const startedMs = performance.now();
    await page(filter);
    times.push(performance.now() - startedMs);
  }
  return times;
}

doJobs({
  async open(path: string) {
    storage = await openAudit(path);
    // A file of this size may be opened only after it is served without.
    while (storage.state() !== 'open') await new Promise((resolve) => setTimeout(resolve, 20));
  },
  evaluations: (filters: readonly AuditFilter[]) => timed(filters, (filter) => opened().reader.page(filter)),
  decisions: (filters: readonly DecisionFilter[]) =>
    timed(filters, (filter) => opened().activityReader.decisions(filter)),
  close: () => opened().close(20_000),
});
