import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

const rounds = 20;
const ids = Array.from({ length: 6 }, (_, index) => `service-${index}`);
const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

describe('the server, killed under load twenty times', () => {
  let gate: GateServer;
  beforeAll(async () => {
    gate = await createGate({
      slos: ids.map((id) => sloDocument({ id, interval: '1s' })),
      fixtures: Object.fromEntries(ids.map((id) => [id, fixture])),
    });
  });
  afterAll(() => gate.remove());

  it('opens its database, whole, after each restart, and has every row that it has vouched for', async () => {
    const vouched = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      await gate.start();
      expectStored(gate.db, vouched, round);
      // At another point of a batch in each round: some answers are had, the next are under way.
      const heard = await forceUntilKilled(gate, 10 + 7 * round);
      expect(heard.length).toBeGreaterThan(0);
      for (const id of heard) vouched.add(id);
    }
    await gate.start();
    expectStored(gate.db, vouched, rounds);
    expect(await gate.stop()).toBe(0);
    expectStored(gate.db, vouched, rounds);
    expect(gate.log()).not.toContain('set aside'); // no write-ahead log was taken for a foreign one
    expect(vouched.size).toBeGreaterThan(rounds * 10);
  }, 600_000); // a minute where nobody else works; twenty-two starts take what they take
});

/** Clients force decisions until so many are answered, then the server is killed under them. The ids that are said to be stored. */
async function forceUntilKilled(gate: GateServer, count: number): Promise<readonly string[]> {
  const heard: string[] = [];
  let answers = 0;
  let reached: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => (reached = resolve));
  let isKilled = false;
  const client = async (offset: number): Promise<void> => {
    for (let turn = offset; !isKilled; turn += 1) {
      const answer = await gate.decide(ids[turn % ids.length]!, true).catch((error: unknown) => {
        if (isKilled) return undefined; // the connection of a killed server
        throw error;
      });
      if (answer === undefined) return;
      if (answer.audited === true) heard.push(answer.evaluationID);
      answers += 1;
      if (answers >= count) reached();
    }
  };
  const clients = Promise.all(ids.map((_, offset) => client(offset)));
  await Promise.race([enough, clients]);
  isKilled = true;
  await gate.kill();
  await clients;
  return heard;
}

/** Read beside the server, which has to apply the write-ahead log that the kill has left. */
function expectStored(path: string, vouched: ReadonlySet<string>, round: number): void {
  const db = new Sqlite(path, { readonly: true });
  try {
    expect(db.pragma('integrity_check', { simple: true }), `round ${round}`).toBe('ok');
    const rows = db.prepare<[], string>('SELECT evaluation_id FROM evaluations').pluck().all();
    const stored = new Set(rows);
    expect(stored.size, `round ${round}: no row twice`).toBe(rows.length);
    expect(
      [...vouched].filter((id) => !stored.has(id)),
      `round ${round}`,
    ).toEqual([]);
  } finally {
    db.close();
  }
}
