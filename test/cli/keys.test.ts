import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hashOf } from '../../src/access/api-key.ts';
import { parseKeys } from '../../src/access/keys-file.ts';
import { scratch } from '../support/scratch.ts';
import { aegis } from './aegis.ts';

const keysIn = (file: string) => parseKeys(readFileSync(file, 'utf8'), file);
const keys = (file: string, ...words: string[]) => {
  const [what = '', ...rest] = words;
  return aegis(['keys', what, '--file', file, ...rest]);
};

describe('aegis keys', () => {
  it('prints a key once, keeps its hash, and leaves the rest of the file as it is', async () => {
    const file = join(scratch(), 'keys.yaml');
    const first = await keys(file, 'create', '--id', 'first', '--scope', 'read', 'decide', '--expires', '90d');
    expect(first.out).toMatch(/^aegis_first_[A-Za-z0-9_-]{43}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain(first.out.trim());
    writeFileSync(file, `${readFileSync(file, 'utf8')}# a note of mine\n`);
    const second = await keys(file, 'create', '--scope', 'decide', '--slo', 'a-*', '--env', 'production');
    const found = keysIn(file);
    expect(found.size).toBe(2);
    expect(found.get('first')?.hash.equals(hashOf(first.out.trim()))).toBe(true);
    expect([...found.values()][1]?.grant).toMatchObject({ slos: ['a-*'], environments: ['production'] });
    expect(readFileSync(file, 'utf8')).toContain('# a note of mine');
    const listed = await keys(file, 'list');
    expect(JSON.parse(listed.out)).toMatchObject({
      keys: [{ id: 'first', status: 'valid', scopes: ['read', 'decide'] }, {}],
    });
    expect(listed.out).not.toMatch(/sha256|hash/);
    expect(await keys(file, 'revoke', '--id', 'first')).toMatchObject({ code: 0, out: '' });
    expect(await keys(file, 'revoke', '--id', 'first')).toMatchObject({
      code: 0,
      err: expect.stringContaining('before') as unknown,
    });
    expect(keysIn(file).get('first')?.isRevoked).toBe(true);
    const table = await keys(file, 'list', '--format', 'text');
    expect(table.out).toMatch(/^ID +STATUS.*\nfirst +revoked +read,decide +all/);
    expect(second.err).toContain('shown this once');
  });

  it('writes JSON where the file is JSON, and through a link to where it points', async () => {
    const directory = scratch();
    const [file, link] = [join(directory, 'keys.json'), join(directory, 'link')];
    writeFileSync(file, '{"keys": []}');
    symlinkSync(file, link);
    expect((await keys(link, 'create', '--scope', 'read')).code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ keys: [{ scopes: ['read'] }] });
  });

  it('does not lose a key when two are made at once', async () => {
    const file = join(scratch(), 'keys.yaml');
    const made = await Promise.all([1, 2, 3, 4].map(() => keys(file, 'create', '--scope', 'read')));
    const done = made.filter(({ code }) => code === 0);
    expect(keysIn(file).size).toBe(done.length);
    for (const { code, err } of made) expect([code, code === 0 || err.includes('is writing')]).toEqual([code, true]);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it.each<[string, string[], string]>([
    ['no word', [], 'a word is missing: create, list or revoke'],
    ['another word', ['remove'], 'no such word: create, list or revoke'],
    ['no scope', ['create', '--file', 'k'], '--scope: missing'],
    [
      'no such scope',
      ['create', '--file', 'k', '--scope', 'write'],
      '--scope: "write" is not allowed: read, decide or admin',
    ],
    ['no file', ['list'], '--file: missing'],
    ['a file that is not there', ['list', '--file', '/nowhere/keys'], 'there is no such file'],
    ['a time that is none', ['create', '--file', 'k', '--scope', 'read', '--expires', 'soon'], '--expires: "soon"'],
    [
      'a restricted admin',
      ['create', '--file', '/tmp/aegis-no-such', '--scope', 'admin', '--slo', 'a'],
      'not allowed with the scope admin',
    ],
  ])('%s is a usage error', async (_, words, message) => {
    const ran = await aegis(['keys', ...words]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
  });

  it('does not touch a file that is broken, or give an id twice', async () => {
    const file = join(scratch(), 'keys.yaml');
    writeFileSync(file, 'keys: [{id: a}]\n');
    const ran = await keys(file, 'create', '--scope', 'read');
    expect(ran).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('keys[0]: hash is missing') as unknown,
    });
    expect(readFileSync(file, 'utf8')).toBe('keys: [{id: a}]\n');
    writeFileSync(file, '');
    await keys(file, 'create', '--id', 'a', '--scope', 'read');
    expect(await keys(file, 'create', '--id', 'a', '--scope', 'read')).toMatchObject({ code: 2, out: '' });
    expect(await keys(file, 'revoke', '--id', 'b')).toMatchObject({ code: 2 });
  });
});
