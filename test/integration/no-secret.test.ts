import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { newToken } from '../../src/access/api-key.ts';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { issuerKey, startIssuer, type TestIssuer } from '../support/issuer.ts';
import { keysFileText } from '../support/keyed-access.ts';
import { scratch } from '../support/scratch.ts';
import { sloDocument } from '../support/slo.ts';

let gate: GateServer | undefined;
let issuer: TestIssuer | undefined;
afterEach(async () => {
  await gate?.remove();
  await issuer?.close();
});

it('no key, token or hash is in any log line or answer of a whole run', async () => {
  const [signer, stranger] = await Promise.all([issuerKey('a'), issuerKey('b')]);
  issuer = await startIssuer([signer]);
  const directory = scratch();
  const [keysFile, oidcFile, socket] = ['keys.json', 'issuers.yaml', 'admin.sock'].map((name) => join(directory, name));
  if (keysFile === undefined || oidcFile === undefined || socket === undefined) throw new Error('no files');
  const { text, tokens, tokenOf } = keysFileText({
    ops: { scopes: ['admin'] },
    pipeline: { scopes: ['decide'] },
    old: { scopes: ['decide'], expires: '2026-01-01' },
    gone: { scopes: ['decide'], revoked: 'true' },
  });
  writeFileSync(keysFile, text);
  const rule = '{claims: {repository: acme/*}, scopes: [decide]}';
  writeFileSync(oidcFile, `issuers: [{issuer: "${issuer.url}", audience: aegis, rules: [${rule}]}]`);
  gate = await createGate({
    slos: [sloDocument()],
    args: ['--api-keys-file', keysFile, '--oidc-file', oidcFile, '--admin-socket', socket, '--log-level', 'debug'],
  });
  await gate.start();

  const shown: Record<string, string> = {
    ...tokens,
    stranger: newToken('nobody'),
    wrong: newToken('pipeline'),
    word: 'hunter2-hunter2-hunter2',
    job: await issuer.sign(signer),
    elsewhere: await issuer.sign(signer, { repository: 'evil/x' }),
    forged: await issuer.sign({ ...stranger, kid: 'a' }),
  };
  const answers: string[] = [];
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${gate?.url ?? ''}${path}`, init);
    answers.push(JSON.stringify([...answer.headers]), await answer.text());
    return answer.status;
  };
  const body = JSON.stringify({ sloID: 'api-availability' });
  const statuses: Record<string, number> = {};
  for (const [name, token] of Object.entries(shown)) {
    statuses[name] = await ask('/v1/gate/decision', {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${token}` },
    });
    for (const path of ['/v1/slo', '/metrics', '/v1/audit', '/v1/audit/decisions', '/v1/audit/orders', '/v1/status'])
      await ask(path, { headers: { 'x-api-key': token } });
    await ask('/admin/log-level?level=debug', { method: 'POST', headers: { 'x-api-key': token } });
    await ask(`/v1/slo?token=${token}`, { headers: { authorization: `Basic ${token}` } });
  }
  const admitted = { ops: 200, pipeline: 200, job: 200 };
  const expected = Object.fromEntries(Object.keys(shown).map((name) => [name, 401]));
  // Too many failures of one address at the end of it.
  for (const name of Object.keys(statuses)) if (statuses[name] === 429) expected[name] = 429;
  expect(statuses).toEqual({ ...expected, ...admitted });

  // Broken files tell where they are broken, and nothing of what they hold.
  writeFileSync(keysFile, text.replace('sha256:', 'sha512:'));
  writeFileSync(oidcFile, `issuers: [{secret: ${shown.word ?? ''}}]`);
  await ask('/admin/reload', { method: 'POST', headers: { 'x-api-key': tokenOf('ops') } });
  expect(answers.at(-1)).toContain('"kept"');
  const onSocket = [
    '--unix-socket',
    socket,
    '-sS',
    'http://aegis/v1/audit/decisions',
    '-H',
    `X-API-Key: ${shown.ops ?? ''}`,
  ];
  // Served decisions are gathered for a moment before they are written. Who asked is named.
  await eventually(() => {
    answers.push(spawnSync('curl', onSocket, { encoding: 'utf8', timeout: 30_000 }).stdout);
    expect(answers.at(-1)).toContain('repo:acme/shop:ref:refs/heads/main');
  });
  expect(await gate.stop()).toBe(0);

  const hashes = [...text.matchAll(/sha256:([0-9a-f]{64})/g)].map(([, hash]) => hash ?? '');
  expect(hashes).toHaveLength(4);
  const said = gate.log() + answers.join('\n');
  expect(said).toContain('auth_failed');
  const secrets = [...hashes, ...hashes.map((hash) => Buffer.from(hash, 'hex').toString('base64'))];
  // Of a key the secret part, of a token the signature: an id or a subject may be told.
  for (const token of Object.values(shown)) secrets.push(token, token.slice(-20));
  for (const secret of secrets) expect([secret, said.includes(secret)]).toEqual([secret, false]);
});
