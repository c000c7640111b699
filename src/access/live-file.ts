import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { AegisError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** A file that is read again when it changes. What was read last stands until something better is read. */
export interface LiveFile<T> {
  current(): T;
  /** Reads it now. Never rejects. */
  reload(): Promise<FileReload>;
  stop(): Promise<void>;
}

export interface FileReload {
  /** `kept`: the file cannot be read as it stands, and what was read before goes on. */
  readonly outcome: 'ok' | 'kept';
  readonly message: string;
}

export interface LiveFileOptions<T> {
  readonly path: string;
  /** The setting that names it, for the error at the start. */
  readonly setting: string;
  /** Whether other users of the machine have no business in it; nobody else may change it in any case. */
  readonly isPrivate: boolean;
  /** Throws `AegisError` with the place of a mistake. */
  readonly parse: (text: string, file: string) => T;
  /** What was read, in a few words. */
  readonly summary: (content: T) => string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each reading, also of the first. */
  readonly onReload: (ok: boolean) => void;
}

interface Reading {
  readonly text: string;
  readonly stamp: string;
  readonly mode: number;
}

const pollMs = 1000;
const mostBytes = 2 ** 20;

/** Reads it, or throws `invalid_setting` where it cannot be used as it stands. */
export async function readOnce<T>({ path, setting, parse }: Pick<LiveFileOptions<T>, 'path' | 'setting' | 'parse'>) {
  try {
    const reading = await read(path);
    return { reading, content: parseWhole(reading.text, path, parse) };
  } catch (error) {
    const why = error instanceof AegisError ? error.message : `${JSON.stringify(path)}: ${describe(error)}`;
    throw new AegisError('invalid_setting', `${setting}: ${why}`, { cause: error });
  }
}

/** A file without a byte is one that was cut off, by a full disk or in the midst of a copy: nobody writes that. */
function parseWhole<T>(text: string, path: string, parse: LiveFileOptions<T>['parse']): T {
  if (text !== '') return parse(text, path);
  throw new AegisError('invalid_setting', `${path}: not allowed: empty (an empty list says that there are none)`);
}

export async function openLiveFile<T>(options: LiveFileOptions<T>): Promise<LiveFile<T>> {
  const { path, isPrivate, parse, summary, clock, log, onReload } = options;
  const fields = { component: 'access', file: path };
  const first = await readOnce(options);
  let { content } = first;
  let { text } = first.reading;
  /** Of what was taken over, or refused. */
  let settled = first.reading.stamp;
  /** Whoever was told of a mistake is told of its end. */
  let isMistaken = false;
  const stopping = new AbortController();
  warnOfMode(first.reading.mode);
  log.info(`read ${path}: ${summary(content)}`, fields);
  onReload(true);

  function take(reading: Reading): FileReload {
    settled = reading.stamp;
    content = parseWhole(reading.text, path, parse);
    const isChanged = reading.text !== text;
    text = reading.text;
    warnOfMode(reading.mode);
    const message = `read ${path}: ${summary(content)}`;
    if (isChanged || isMistaken) log.info(message, fields);
    isMistaken = false;
    onReload(true);
    return { outcome: 'ok', message };
  }

  function keep(error: unknown): FileReload {
    const why = error instanceof AegisError ? error.message : `${path}: ${describe(error)}`;
    const message = `not read, what was read before goes on: ${why}`;
    log.error(message, fields);
    isMistaken = true;
    onReload(false);
    return { outcome: 'kept', message };
  }

  async function reload(): Promise<FileReload> {
    try {
      return take(await read(path));
    } catch (error) {
      return keep(error);
    }
  }

  /** A change is taken over when two looks agree, so that no half-written file is. */
  async function poll(): Promise<void> {
    let seen = settled;
    while ((await clock.sleep(pollMs, stopping.signal)) === 'elapsed') {
      const stamp = await stampNow(path);
      if (stamp === seen && stamp !== settled) {
        await reload();
        settled = stamp;
      }
      seen = stamp;
    }
  }

  function warnOfMode(mode: number): void {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    if ((mode & 0o022) !== 0) log.warn(`${path} can be changed by other users (mode ${octal}): chmod 600`, fields);
    else if (isPrivate && (mode & 0o004) !== 0)
      log.warn(`${path} can be read by other users (mode ${octal}): chmod 600`, fields);
  }

  const polling = poll();
  return {
    current: () => content,
    reload,
    async stop() {
      stopping.abort();
      await polling;
    },
  };
}

async function read(path: string): Promise<Reading> {
  // Without waiting: a FIFO would hang its reader for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new Error('it is not a regular file');
    return { text: await textOf(handle), stamp: stampOf(stats), mode: Number(stats.mode) };
  } finally {
    await handle.close();
  }
}

async function textOf(handle: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(mostBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  if (length > mostBytes) throw new Error('it is larger than 1 MiB');
  return buffer.toString('utf8', 0, length);
}

async function stampNow(path: string): Promise<string> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return stampOf(await handle.stat({ bigint: true }));
    } finally {
      await handle.close();
    }
  } catch (error) {
    return describe(error);
  }
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

const inWords: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'its permissions, or those of its directory, do not let the user of this process read it',
  EISDIR: 'it is a directory',
};

function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return inWords[code] ?? messageOf(error);
}
