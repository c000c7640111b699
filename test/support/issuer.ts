import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function issuerKey(kid: string, alg = 'RS256'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** An OIDC issuer, as a CI system has one. */
export interface TestIssuer {
  readonly url: string;
  /** Requests for its keys. */
  readonly fetches: () => number;
  /** What it shows from now on; `down` answers 500, `silent` not at all. */
  show(keys: readonly IssuerKey[] | 'down' | 'silent' | 'nonsense'): void;
  sign(key: IssuerKey, claims?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

export async function startIssuer(first: readonly IssuerKey[]): Promise<TestIssuer> {
  let shown: readonly IssuerKey[] | 'down' | 'silent' | 'nonsense' = first;
  let fetches = 0;
  const server = createServer((request, response) => {
    if (shown === 'silent') return;
    if (shown === 'down') {
      response.writeHead(500).end();
      return;
    }
    if (shown === 'nonsense') {
      response.end('<html>');
      return;
    }
    const described = { issuer: url, jwks_uri: `${url}/keys` };
    if (request.url === '/keys') fetches += 1;
    response.end(JSON.stringify(request.url === '/keys' ? { keys: shown.map(({ jwk }) => jwk) } : described));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    fetches: () => fetches,
    show: (next) => void (shown = next),
    sign({ kid, alg, privateKey }, claims = {}) {
      const nowS = Math.floor(Date.now() / 1000);
      const usual = { iss: url, aud: 'aegis', sub: 'repo:acme/shop:ref:refs/heads/main', iat: nowS, exp: nowS + 300 };
      const payload = { ...usual, repository: 'acme/shop', ref: 'refs/heads/main', ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(privateKey);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
