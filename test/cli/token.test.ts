import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { scratch } from '../support/scratch.ts';
import { aegis, json, serve } from './aegis.ts';

const token = 'aegis_ci_s3cr3t-in-no-output';
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Answers whoever has the token. */
async function guarded() {
  const server = await serve(({ headers }, response) => {
    const given = headers['x-api-key'] ?? headers.authorization;
    if (given === undefined) json(response, 401, { error: 'an API key or token is needed', code: 'unauthorized' });
    else if (given === token || given === `Bearer ${token}`)
      json(response, 200, { sloID: 'a', decision: 'ALLOW', reasons: ['all is well'], reasonCodes: ['ok'] });
    else json(response, 403, { error: 'other does not have the scope decide', code: 'forbidden' });
  });
  closing.push(server.close);
  return server;
}

const gate = (url: string, words: readonly string[] = [], env = {}) =>
  aegis(['gate', '--slo', 'a', '--server', url, '--timeout', '20s', ...words], env);

describe('the token', () => {
  it('comes from AEGIS_TOKEN or a file, which goes first, and is in no output', async () => {
    const { url, asked } = await guarded();
    const file = join(scratch(), 'token');
    writeFileSync(file, `${token}\n`);
    for (const ran of [
      await gate(url, [], { AEGIS_TOKEN: token }),
      await gate(url, ['--token-file', file], { AEGIS_TOKEN: 'another' }),
    ]) {
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(ran.out + ran.err).not.toContain('s3cr3t');
    }
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${token}`, `Bearer ${token}`]);
  });

  it('goes beside the user of a proxy', async () => {
    const { url, asked } = await guarded();
    expect(await gate(url.replace('//', '//proxy:pw@'), [], { AEGIS_TOKEN: token })).toMatchObject({ code: 0 });
    expect(asked[0]?.headers).toMatchObject({
      'x-api-key': token,
      authorization: expect.stringMatching(/^Basic /) as unknown,
    });
  });

  it('that is missing or not enough is no decision: exit code 3 and what to do', async () => {
    const { url, asked } = await guarded();
    const missing = await gate(url);
    expect(missing.code).toBe(3);
    expect(missing.err).toContain('401: an API key or token is needed (set AEGIS_TOKEN, or --token-file)');
    const refused = await gate(url, [], { AEGIS_TOKEN: 'another' });
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('403: other does not have the scope decide');
    expect(asked).toHaveLength(2);
  });

  it('is asked with by explain and replay too', async () => {
    const { url, asked } = await guarded();
    for (const words of [
      ['explain', '--slo', 'a'],
      ['replay', '--evaluation', 'x'],
    ])
      await aegis([...words, '--server', url], { AEGIS_TOKEN: token });
    expect(asked.map(({ headers }) => headers.authorization)).toContain(`Bearer ${token}`);
    expect(asked.every(({ headers }) => headers.authorization === `Bearer ${token}`)).toBe(true);
  });

  it('is not sent in the clear to another machine without a warning', async () => {
    const ran = await gate('http://aegis.invalid:1', ['--timeout', '200ms'], { AEGIS_TOKEN: token });
    expect(ran.err).toContain('warning: the token is sent to aegis.invalid:1 without encryption');
    expect(ran.err).not.toContain('s3cr3t');
  });

  it.each([
    ['AEGIS_TOKEN', [], { AEGIS_TOKEN: 'two words-s3cr3t' }],
    ['--token-file', ['--token-file', '/nowhere/token'], {}],
  ])('that cannot be used is a usage error, not shown: %s', async (name, words, env) => {
    const ran = await gate('http://127.0.0.1:1', words, env);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(`aegis gate: ${name}: `);
    expect(ran.err).not.toContain('s3cr3t');
  });
});
