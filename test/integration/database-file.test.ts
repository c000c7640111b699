import Sqlite from 'better-sqlite3';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPage } from '../contract/audit-page.ts';
import { makeEvaluation, makeEvaluations } from '../storage/make-evaluation.ts';
import { openStorage } from '../storage/sqlite/open-storage.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';
import { idsInFile, shell } from '../support/sqlite3.ts';
import { startStorageProcess } from '../support/storage-process.ts';

/** The database and what stands beside it under its name. */
function files(path: string): string[] {
  return readdirSync(dirname(path)).filter((file) => file.startsWith(basename(path)));
}

async function closedDatabase(rows: number): Promise<string> {
  const storage = await openStorage();
  await Promise.all(makeEvaluations(rows).map((evaluation) => storage.log.append(evaluation)));
  await storage.close(10_000);
  return storage.path;
}

describe('a clean stop', () => {
  it('leaves one file with every row, though pages were read until then', async () => {
    const storage = await openStorage();
    const evaluations = makeEvaluations(1_500);
    const appended = evaluations.map((evaluation) => storage.log.append(evaluation));
    const reading = readPage(storage.reader, { limit: 1_000 });
    await storage.close(10_000);
    expect(new Set(await Promise.all(appended))).toEqual(new Set(['stored']));
    await reading;
    expect(files(storage.path)).toEqual(['aegis.db']);
    expect(idsInFile(storage.path)).toEqual(evaluations.map(({ id }) => id));
  });

  it('can be asked for twice, and what is appended after it is not said to be stored', async () => {
    const storage = await openStorage();
    await Promise.all([storage.close(5_000), storage.close(5_000)]);
    expect(storage.state()).toBe('closed');
    expect(await storage.log.append(makeEvaluation())).toBe('queued');
    await expect(storage.reader.page({ limit: 1 })).rejects.toMatchObject({ code: 'audit_unavailable' });
  });
});

describe('kill -9 under load', () => {
  it('costs no row that was said to be stored, five times over', async () => {
    const path = join(scratch(), 'aegis.db');
    const stored: string[] = [];
    for (let round = 0; round < 5; round++) {
      const server = await startStorageProcess(path);
      let isAlive = true;
      const writing = Array.from({ length: 4 }, async () => {
        while (isAlive) {
          const evaluation = makeEvaluation();
          const [appended] = await server.append([evaluation]).catch(() => ['queued'] as const);
          if (appended === 'stored') stored.push(evaluation.id);
        }
      });
      const enough = stored.length + 100 * (round + 1);
      await eventually(() => expect(stored.length).toBeGreaterThan(enough));
      await server.kill();
      isAlive = false;
      await Promise.all(writing);
    }
    const last = await startStorageProcess(path);
    await last.stop();
    expect(idsInFile(path)).toEqual(expect.arrayContaining(stored));
  });
});

describe('a file that is deleted while the server runs', () => {
  it.each([
    ['alone', ['']],
    ['with all that stands beside it', ['', '-wal', '-shm', '-note']],
  ])('%s is made anew, and said so', async (_, ends) => {
    const storage = await openStorage();
    await storage.log.append(makeEvaluation());
    for (const end of ends) rmSync(storage.path + end);
    const evaluation = makeEvaluation();
    expect(await storage.log.append(evaluation)).toBe('stored');
    expect(storage.lines.map((line) => line.message).join()).toMatch(
      /was deleted while the server ran: it is made anew/,
    );
    expect((await readPage(storage.reader)).records.map((record) => record.evaluationID)).toEqual([evaluation.id]);
    await storage.close(10_000);
    expect(files(storage.path)).toEqual(['aegis.db']);
    expect(idsInFile(storage.path)).toEqual([evaluation.id]);
  });

  it('is made anew without a row to write', async () => {
    const storage = await openStorage();
    unlinkSync(storage.path);
    await eventually(() => expect(existsSync(storage.path)).toBe(true));
    await eventually(async () => expect((await readPage(storage.reader)).total).toBe(0));
  });

  it('and stays in another name keeps every row', async () => {
    const storage = await openStorage();
    const evaluations = makeEvaluations(100);
    await Promise.all(evaluations.map((evaluation) => storage.log.append(evaluation)));
    renameSync(storage.path, `${storage.path}.old`);
    await eventually(() => expect(existsSync(storage.path)).toBe(true));
    expect(idsInFile(`${storage.path}.old`)).toEqual(evaluations.map(({ id }) => id));
  });

  it('has the definitions and the document of what is written to it', async () => {
    const storage = await openStorage();
    const evaluation = makeEvaluation();
    storage.log.define([evaluation]);
    await storage.log.flush(10_000);
    unlinkSync(storage.path);
    await storage.log.append(evaluation);
    expect((await storage.reader.get(evaluation.id))?.documentJson).not.toBeNull();
  });
});

describe('a deletion while no server runs', () => {
  it('begins a new audit, and applies no log of the old one', async () => {
    const path = join(scratch(), 'aegis.db');
    const server = await startStorageProcess(path);
    await server.append(makeEvaluations(10));
    await server.kill();
    unlinkSync(path);
    const storage = await openStorage({ path });
    expect((await readPage(storage.reader)).total).toBe(0);
    expect(storage.lines.map((line) => line.message).join()).toMatch(/was deleted: its write-ahead log is set aside/);
  });
});

/** Of more than that not every page is read at the start. */
const largeBytes = 257 * 2 ** 20;

describe('a file that is no database of ours ends the start and is left as it is', () => {
  const cases: Record<string, { make: (path: string) => Promise<void> | void; words: RegExp }> = {
    'a text': { make: (path) => writeFileSync(path, 'slo_id,decision\n'.repeat(100)), words: /not a database/ },
    'a short file': { make: (path) => writeFileSync(path, 'SQLite format 3\0'), words: /not a database/ },
    'a directory': { make: (path) => mkdirSync(path), words: /not a database/ },
    'a database cut off': {
      make: async (path) => {
        copyFileSync(await closedDatabase(200), path);
        truncateSync(path, Math.floor(statSync(path).size / 2));
      },
      words: /corrupt/,
    },
    'a large database cut off': {
      make: async (path) => {
        const bytes = readFileSync(await closedDatabase(1));
        bytes.writeUInt32BE(100_000, 28); // pages, by its header
        writeFileSync(path, bytes);
        truncateSync(path, largeBytes); // of holes
      },
      words: /corrupt/,
    },
    'a large database of another program': {
      make: (path) => {
        const db = new Sqlite(path);
        db.exec('CREATE TABLE customers (name TEXT)');
        db.close();
        truncateSync(path, largeBytes);
      },
      words: /not a database/,
    },
    'a database with a page overwritten': {
      make: async (path) => {
        const bytes = readFileSync(await closedDatabase(400));
        bytes.fill('garbage ', 4096 * 20, 4096 * 30);
        writeFileSync(path, bytes);
      },
      words: /corrupt/,
    },
    'a database of a newer version': {
      make: async (path) => {
        const bytes = readFileSync(await closedDatabase(1));
        bytes.writeUInt32BE(99, 60);
        writeFileSync(path, bytes);
      },
      words: /newer version \(99/,
    },
  };

  it.each(Object.entries(cases))('%s', async (_, { make, words }) => {
    const path = join(scratch(), 'aegis.db');
    await make(path);
    const before = statSync(path).isFile() ? readFileSync(path) : null;
    const { mtimeMs } = statSync(path);
    await expect(openStorage({ path })).rejects.toMatchObject({
      code: 'database_unusable',
      message: expect.stringMatching(words) as string,
    });
    expect(files(path)).toEqual(['aegis.db']);
    expect(statSync(path).mtimeMs).toBe(mtimeMs);
    if (before !== null) expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.skipIf(lacks('sqlite3'))('a database of another program', async () => {
    const path = join(scratch(), 'aegis.db');
    shell(path, 'CREATE TABLE customers (name TEXT);');
    const before = readFileSync(path);
    await expect(openStorage({ path })).rejects.toMatchObject({
      code: 'database_unusable',
      message: expect.stringMatching(/not a database of AegisSLO.*customers/) as string,
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

describe('the path', () => {
  it('may be a link: the log stands beside the file, and a restore over the file is seen', async () => {
    const directory = scratch();
    mkdirSync(join(directory, 'volume'));
    const link = join(directory, 'aegis.db');
    const first = await openStorage({ path: join(directory, 'volume', 'data.db') });
    await first.close(10_000);
    symlinkSync(first.path, link);
    const storage = await openStorage({ path: link });
    expect(existsSync(`${first.path}-wal`)).toBe(true);
    expect(await storage.log.append(makeEvaluation())).toBe('stored');
  });

  it('may be an empty file', async () => {
    const path = join(scratch(), 'aegis.db');
    writeFileSync(path, '');
    const storage = await openStorage({ path });
    expect(await storage.log.append(makeEvaluation())).toBe('stored');
  });
});
