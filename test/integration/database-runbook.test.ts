import { describe, expect, it } from 'vitest';
import { readAll, readPage } from '../contract/audit-page.ts';
import { makeEvaluation, makeEvaluations } from '../storage/make-evaluation.ts';
import { openStorage } from '../storage/sqlite/open-storage.ts';
import { eventually } from '../support/eventually.ts';
import { lacks } from '../support/services.ts';
import { shell } from '../support/sqlite3.ts';
import { anSlo } from '../support/slo.ts';

const hourMs = 3_600_000;
const second = (atMs: number) => new Date(atMs).toISOString().replace('T', ' ').slice(0, 19);

/** Three SLOs with what each statement of the runbook asks about, in a storage that goes on running. */
async function audit() {
  const storage = await openStorage();
  const api = anSlo({ id: 'api-availability' });
  const checkout = anSlo({ id: 'checkout', service: 'checkout' });
  const nowMs = Date.now();
  storage.log.define([api, checkout].map((slo) => ({ slo, specHash: `hash-of-${slo.id}` })));
  await Promise.all(
    [
      ...makeEvaluations(4, { slo: api }),
      ...makeEvaluations(3, { slo: checkout, decision: 'BLOCK' }),
      makeEvaluation({ slo: api, decision: 'BLOCK', atMs: nowMs - 2 * hourMs }),
      makeEvaluation({ slo: api, atMs: nowMs, compliance: { state: 'noData', cause: 'total is 0' } }),
      makeEvaluation({ slo: api, atMs: nowMs, decision: 'ALLOW' }),
    ].map((evaluation) => storage.log.append(evaluation)),
  );
  return { ...storage, nowMs };
}

describe.skipIf(lacks('sqlite3'))('the runbook’s statements, from the shell, while the server runs', () => {
  it('count decisions', async () => {
    const { path } = await audit();
    const byDecision = ['ALLOW|5', 'BLOCK|4', 'WARN|1'];
    expect(shell(path, 'SELECT decision, COUNT(*) FROM evaluations GROUP BY decision')).toEqual(byDecision);
    expect(
      shell(
        path,
        `SELECT decision, COUNT(*) as count
FROM evaluations
WHERE created_at > datetime('now', '-1 hour')
GROUP BY decision;`,
      ),
    ).toEqual(byDecision);
    expect(
      shell(
        path,
        `SELECT decision, COUNT(*) FROM evaluations WHERE created_at > datetime('now', '-1 day') GROUP BY decision`,
      ),
    ).toEqual(byDecision);
    expect(shell(path, `SELECT COUNT(*) FROM evaluations WHERE created_at > datetime('now', '+1 minute')`)).toEqual([
      '0',
    ]);
  });

  it('count evaluations by SLO, and name the blocked ones', async () => {
    const { path } = await audit();
    expect(
      shell(
        path,
        `SELECT slo_id, COUNT(*) FROM evaluations WHERE created_at > datetime('now', '-1 hour') GROUP BY slo_id`,
      ),
    ).toEqual(['api-availability|7', 'checkout|3']);
    expect(shell(path, `SELECT slo_id, service, environment FROM latest_state WHERE decision = 'BLOCK'`)).toEqual([
      'checkout|checkout|production',
    ]);
    expect(
      shell(
        path,
        `SELECT slo_id, COUNT(*) as blocks
FROM evaluations
WHERE decision = 'BLOCK' AND created_at > datetime('now', '-7 days')
GROUP BY slo_id
ORDER BY blocks DESC
LIMIT 10;`,
      ),
    ).toEqual(['checkout|3', 'api-availability|1']);
  });

  it('average by the hour without the evaluations that had no data', async () => {
    const { path } = await audit();
    const hours = shell(
      path,
      `SELECT
    strftime('%Y-%m-%d %H:00', timestamp) as hour,
    AVG(sli) as avg_sli,
    AVG(budget_remaining) as avg_budget
FROM evaluations
WHERE slo_id = 'api-availability'
    AND timestamp > datetime('now', '-24 hours')
GROUP BY hour
ORDER BY hour;`,
    );
    expect(hours.length).toBeGreaterThanOrEqual(2);
    for (const line of hours) {
      const [hour, sli, budget] = line.split('|');
      expect(hour).toMatch(/^\d{4}-\d\d-\d\d \d\d:00$/);
      expect(Number(sli)).toBeCloseTo(0.9995, 9);
      expect(Number(budget)).toBeCloseTo(0.9, 9);
    }
  });

  it('print the trail between two instants, a line a row', async () => {
    const { path, nowMs } = await audit();
    const trail = (fromMs: number, toMs: number) =>
      shell(
        path,
        `SELECT *
FROM evaluations
WHERE slo_id = 'api-availability'
    AND timestamp BETWEEN '${second(fromMs)}' AND '${second(toMs)}'
ORDER BY timestamp DESC;`,
      );
    const lines = trail(nowMs - 60_000, nowMs + 60_000);
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^\d+\|api-availability\|api-gateway\|production\|/);
    expect(trail(nowMs - 3 * hourMs, nowMs - hourMs)).toHaveLength(1);
    expect(trail(nowMs + 60_000, nowMs + hourMs)).toEqual([]);
  });

  it('find the database sound, and back it up whole', async () => {
    const { path } = await audit();
    expect(shell(path, 'PRAGMA integrity_check;')).toEqual(['ok']);
    shell(path, `.backup ${path}.backup`);
    expect(shell(`${path}.backup`, 'SELECT COUNT(*) FROM evaluations;')).toEqual(['10']);
  });

  it('take the old rows and no others, and what is left is served', async () => {
    const { path, log, reader, lines } = await audit();
    shell(
      path,
      `UPDATE evaluations SET created_at = datetime('now', '-91 days'), timestamp = datetime('now', '-91 days') WHERE id <= 5;
UPDATE evaluations SET created_at = datetime('now', '-89 days'), timestamp = datetime('now', '-89 days') WHERE id = 6;`,
    );
    const before = await readAll(reader, { limit: 3 });
    expect(before).toHaveLength(10);
    expect(new Set(before.map((record) => record.timestamp.length))).toEqual(new Set([24]));
    shell(
      path,
      `DELETE FROM evaluations
WHERE created_at < datetime('now', '-90 days');
VACUUM;`,
    );
    expect(await log.append(makeEvaluation())).toBe('stored');
    const after = await readAll(reader, { limit: 100 });
    expect(after.map((record) => record.id).sort((a, b) => a - b)).toEqual([6, 7, 8, 9, 10, 11]);
    expect(lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  it('may insert by hand: the row is served with an id of its own', async () => {
    const { path, reader } = await audit();
    shell(
      path,
      `INSERT INTO evaluations (slo_id, service, environment, decision, reasons_json, burn_rates_json, timestamp)
VALUES ('by-hand', 'x', 'y', 'WARN', 'no json', '{}', '2026-01-15 10:00:00');`,
    );
    const { records } = await readPage(reader, { sloId: 'by-hand', startMs: Date.UTC(2026, 0, 15, 10) });
    expect(records).toMatchObject([{ timestamp: '2026-01-15T10:00:00.000Z', reasons: [], sli: null }]);
    expect(records[0]?.evaluationID).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await reader.get(records[0]!.evaluationID)).toMatchObject({ sloId: 'by-hand' });
  });
});

describe.skipIf(lacks('sqlite3'))('latest_state', () => {
  it('goes with its SLO, also for rows that come late', async () => {
    const { path, log } = await audit();
    const slo = anSlo({ id: 'checkout', service: 'checkout' });
    log.define([{ slo, specHash: 'hash-of-checkout' }]);
    await log.append(makeEvaluation());
    await eventually(() => expect(shell(path, 'SELECT slo_id FROM latest_state;')).toEqual(['checkout']));
    expect(shell(path, 'SELECT count(*) FROM evaluations;')).toEqual(['11']);
  });

  it('follows the definitions', async () => {
    const { path, log } = await audit();
    const slo = anSlo({ id: 'checkout', service: 'checkout', objective: 0.99 });
    log.define([{ slo, specHash: 'new' }]);
    await log.flush(10_000);
    expect(shell(path, `SELECT objective FROM slo_definitions WHERE id = 'checkout';`)).toEqual(['0.99']);
  });
});
