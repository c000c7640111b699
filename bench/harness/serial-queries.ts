import { Pool } from 'undici';
import { planQueries } from '../../src/adapter/prometheus/query-plan.ts';
import { inquiriesFor } from '../../src/adapter/prometheus/union.ts';
import { windowsOf, type Slo } from '../../src/slo/model.ts';

/** Two ways to ask for all windows of an SLO: good and total of each, one after the other, and all in one union. */
export interface Asker {
  serially(): Promise<void>;
  /** Of all windows but these. */
  inOneUnion(without?: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export function createAsker(url: string, slo: Slo): Asker {
  const pool = new Pool(url, { connections: 1 });
  async function ask(query: string): Promise<void> {
    const { statusCode, body } = await pool.request({
      ...{ method: 'POST', path: '/api/v1/query' },
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': 'gzip' },
      body: new URLSearchParams({ query, time: String(Date.now() / 1000) }).toString(),
    });
    const answer = await body.arrayBuffer();
    if (statusCode !== 200 || answer.byteLength < 50) throw new Error(`${query} was answered with ${statusCode}`);
  }
  return {
    async serially() {
      for (const { name } of windowsOf(slo)) {
        for (const query of [slo.sli.goodQuery, slo.sli.totalQuery]) await ask(query.replaceAll('{{window}}', name));
      }
    },
    async inOneUnion(without = []) {
      const windows = windowsOf(slo).filter(({ name }) => !without.includes(name));
      const { units } = planQueries(slo, windows, Date.now());
      for (const { promql } of inquiriesFor(units)) await ask(promql);
    },
    close: () => pool.close(),
  };
}
