import { constants } from 'node:fs';
import { chown, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { isSeq, parseDocument, type Document } from 'yaml';
import { AegisError, messageOf } from '../errors.ts';
import { parseKeys, type ApiKeys } from './keys-file.ts';

/** A key as it stands in the file. */
export interface KeyEntry {
  readonly id: string;
  readonly description?: string;
  readonly hash: string;
  readonly scopes: readonly string[];
  readonly slos?: readonly string[];
  readonly services?: readonly string[];
  readonly environments?: readonly string[];
  readonly created: string;
  readonly expires?: string;
}

const heading = ' API keys of AegisSLO, made by "aegis keys". It holds hashes; the keys themselves are nowhere kept.';

/** The keys of a file, which may be absent where it is about to be made. Throws `invalid_setting`. */
export async function readKeys(file: string): Promise<ApiKeys> {
  return parseKeys(await textOf(file), file);
}

/** Adds a key. All other entries, and the comments, stay as they are. */
export async function addKey(file: string, entry: KeyEntry): Promise<void> {
  await edit(file, (document, keys) => {
    if (keys.has(entry.id)) throw mistake(`--id: ${JSON.stringify(entry.id)} is taken: ids are never used again`);
    if (document.get('keys') === undefined || !isSeq(document.get('keys'))) {
      if (document.contents === null) document.commentBefore = heading;
      document.set('keys', document.createNode([]));
    }
    const list = document.get('keys');
    if (isSeq(list)) list.flow = false;
    document.addIn(['keys'], document.createNode(entry));
  });
}

/** Marks a key as revoked; it stays in the file, so that its id is not given again and its name can be looked up. */
export async function revokeKey(file: string, id: string, at: string): Promise<'revoked' | 'was-revoked'> {
  return edit(file, (document, keys) => {
    const index = [...keys.keys()].indexOf(id);
    if (index === -1)
      throw mistake(`--id: no key ${JSON.stringify(id)} in ${file}: see aegis keys list --file ${file}`);
    if (keys.get(id)?.isRevoked === true) return 'was-revoked';
    document.setIn(['keys', index, 'revoked'], at);
    return 'revoked';
  });
}

/**
 * Changes the file as a whole: a reader sees it before or after, never between. The new file beside it is also the lock
 * that keeps two commands from undoing each other's work.
 */
async function edit<T>(named: string, change: (document: Document, keys: ApiKeys) => T): Promise<T> {
  const file = await realpath(named).catch(() => named);
  const next = `${file}.new`;
  const handle = await open(next, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600).catch(
    (error: unknown) => {
      const isLocked = error instanceof Error && 'code' in error && error.code === 'EEXIST';
      const why = isLocked
        ? `${next} is there: another "aegis keys" is writing, or was ended in its midst: then remove it`
        : `it cannot be written (${messageOf(error)})`;
      throw mistake(`--file: ${JSON.stringify(named)}: ${why}`);
    },
  );
  try {
    const text = await textOf(named);
    const keys = parseKeys(text, named);
    const document = parseDocument(text);
    const result = change(document, keys);
    const changed = text.trimStart().startsWith('{') ? `${JSON.stringify(document, null, 2)}\n` : String(document);
    parseKeys(changed, named); // what the server would refuse is not written
    await handle.writeFile(changed);
    await keepOwner(file, next);
    await handle.sync();
    await rename(next, file);
    return result;
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Where root edits the server's file, the server has to be able to read it still. */
async function keepOwner(file: string, next: string): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  if (before === undefined || before.uid === process.getuid?.()) return;
  await chown(next, before.uid, before.gid).catch((error: unknown) => {
    throw mistake(
      `--file: ${JSON.stringify(file)} belongs to another user, and cannot be given back to them: ${messageOf(error)}`,
    );
  });
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw mistake(`--file: ${JSON.stringify(file)}: it cannot be read (${messageOf(error)})`);
  }
}

function mistake(message: string): AegisError {
  return new AegisError('invalid_setting', message);
}
