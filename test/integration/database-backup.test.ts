import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { aegis } from '../cli/aegis.ts';
import { makeEvaluation } from '../storage/make-evaluation.ts';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { scratch } from '../support/scratch.ts';
import { sloDocument } from '../support/slo.ts';
import { startStorageProcess } from '../support/storage-process.ts';

const gates: GateServer[] = [];
afterEach(async () => {
  for (const gate of gates.splice(0)) await gate.remove();
});

const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };
const slos = ['checkout', 'search', 'login'];

async function startedGate(): Promise<GateServer> {
  const gate = await createGate({
    slos: slos.map((id) => sloDocument({ id })),
    fixtures: Object.fromEntries(slos.map((id) => [id, fixture])),
  });
  gates.push(gate);
  await gate.start();
  return gate;
}

/** Forced decisions, each a row of two tables, until it is stopped. */
function writeLoad(gate: GateServer): { stop(): Promise<void> } {
  let goesOn = true;
  const ask = async (id: string) => {
    while (goesOn) expect(await gate.decide(id, true)).toMatchObject({ decision: 'ALLOW', audited: true });
  };
  const asking = Promise.all(slos.map(ask));
  return {
    async stop() {
      goesOn = false;
      await asking;
    },
  };
}

/** The keys of all rows that are committed now. */
function keysIn(path: string): readonly string[] {
  const db = new Sqlite(path, { readonly: true });
  const keys = db
    .prepare('SELECT evaluation_id FROM evaluations UNION ALL SELECT id FROM served_decisions')
    .pluck()
    .all();
  db.close();
  return keys as string[];
}

describe('aegis db backup beside a server that writes', () => {
  it('has every row that was committed before it began, again and again, and restores to a database that is served', async () => {
    const gate = await startedGate();
    const backup = join(gate.directory, 'backup.db');
    const load = writeLoad(gate);
    let [before, rowsSoFar]: [readonly string[], number] = [[], 0];
    for (let round = 0; round < 4; round++) {
      before = await eventually(() => {
        const keys = keysIn(gate.db);
        expect(keys.length).toBeGreaterThan(rowsSoFar);
        return keys;
      });
      rowsSoFar = before.length;
      const ran = await aegis(['db', 'backup', '--db', gate.db, '--to', backup, ...(round > 0 ? ['--force'] : [])]);
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(ran.out).toMatch(/^\S+backup\.db: \d+ pages, \d+ bytes \(.+\) in [\d.]+ s, \d+ rows \(.*evaluations \d+/);
      const kept = new Set(keysIn(backup));
      expect(before.filter((key) => !kept.has(key))).toEqual([]);
    }
    await eventually(() => expect(keysIn(gate.db).length).toBeGreaterThan(rowsSoFar)); // the server goes on
    await load.stop();

    const refused = await aegis(['db', 'restore', '--db', gate.db, '--from', backup]);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`is open in process ${gate.process().pid} (`);
    expect(await gate.stop()).toBe(0);
    const atStop = keysIn(gate.db);
    const restored = await aegis(['db', 'restore', '--db', gate.db, '--from', backup]);
    expect(restored).toMatchObject({ code: 0, err: '' });
    expect(keysIn(gate.db)).toEqual(keysIn(backup));
    const kept = /^The database before is (\S+)\. /m.exec(restored.out)?.[1] ?? '';
    expect(keysIn(kept)).toEqual(atStop);
    await gate.start();
    const { body } = await gate.get('/v1/audit?limit=1');
    expect((body as { total: number }).total).toBeGreaterThan(0);
    expect(await gate.decide('checkout', true)).toMatchObject({ audited: true });
    await gate.stop();
    expect(keysIn(gate.db)).toEqual(expect.arrayContaining([...before]));

    // The way back that it printed.
    const undo = /\n {2}aegis (db restore .*)\n/.exec(restored.out)?.[1] ?? '';
    expect(await aegis(undo.split(' '))).toMatchObject({ code: 0 });
    expect(keysIn(gate.db)).toEqual(atStop);
  });
});

/** Runs `aegis db …`, and ends it when a file of this name comes, or changes, in the directory of the database. */
async function endedWhen(event: RegExp, signal: NodeJS.Signals, words: readonly string[], directory: string) {
  const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
  const watcher = watch(directory);
  const child = spawn(process.execPath, [cli, 'db', ...words], { stdio: 'ignore' });
  let isSent = false;
  watcher.on('change', (_type, name) => {
    // Once: its own clearing away is a change as well, and a second signal ends it wherever it is.
    if (isSent || !event.test(String(name))) return;
    isSent = true;
    child.kill(signal);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  watcher.close();
  return code;
}

/** A database of some tens of megabytes, so that there is time to end what is under way; its rows are of one service. */
function largeDatabase(path: string, service: string): string {
  copyFileSync('test/data/databases/version-2.db', path);
  const db = new Sqlite(path);
  const columns = 'slo_id, environment, decision, reasons_json, burn_rates_json, timestamp';
  db.exec(`
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
    INSERT INTO evaluations (${columns}, service, evidence)
    SELECT ${columns}, '', printf('{"filler":"%.4000c"}', 'x') FROM evaluations, n;
    UPDATE evaluations SET service = '${service}';
  `);
  db.close();
  return path;
}

/** The service of all rows, in a database that is whole; SQLite plays a journal back where one was left. */
function serviceIn(path: string): unknown {
  const db = new Sqlite(path, { fileMustExist: true });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.prepare('SELECT count(*) FROM evaluations').pluck().get()).toBe(3_015);
    return db.prepare('SELECT group_concat(DISTINCT service) FROM evaluations').pluck().get();
  } finally {
    db.close();
  }
}

describe('ended in the middle', () => {
  it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])('a backup that gets %s takes away what it had', async (signal) => {
    const directory = scratch();
    const path = largeDatabase(join(directory, 'aegis.db'), 'old');
    const words = ['backup', '--db', path, '--to', join(directory, 'backup.db')];
    expect(await endedWhen(/partial$/, signal, words, directory)).toBe(1);
    expect(readdirSync(directory)).toEqual(['aegis.db']);
  });

  it('a backup that is killed leaves no file of that name, and does not disturb the next one', async () => {
    const directory = scratch();
    const path = largeDatabase(join(directory, 'aegis.db'), 'old');
    const words = ['backup', '--db', path, '--to', join(directory, 'backup.db')];
    await endedWhen(/partial$/, 'SIGKILL', words, directory);
    expect(existsSync(join(directory, 'backup.db'))).toBe(false);
    expect(await aegis(['db', ...words])).toMatchObject({ code: 0 });
    expect(readdirSync(directory).filter((file) => file.startsWith('backup'))).toEqual(['backup.db']);
    expect(serviceIn(join(directory, 'backup.db'))).toBe('old');
  });

  it.each([/restoring$/, /before-restore/, /^aegis\.db$/])(
    'a restore that is killed when %s comes leaves the old database or the new one, whole',
    async (event) => {
      const directory = scratch();
      const path = largeDatabase(join(directory, 'aegis.db'), 'old');
      const backup = largeDatabase(join(scratch(), 'backup.db'), 'new');
      const words = ['restore', '--db', path, '--from', backup];
      await endedWhen(event, 'SIGKILL', words, directory);
      const standing = serviceIn(path);
      expect(['old', 'new']).toContain(standing);
      const server = await startStorageProcess(path);
      expect(await server.append([makeEvaluation()])).toEqual(['stored']);
      await server.stop();
      expect(await aegis(['db', ...words])).toMatchObject({ code: 0 });
      expect(serviceIn(path)).toBe('new');
      expect(existsSync(`${path}.restoring`)).toBe(false);
    },
  );
});
