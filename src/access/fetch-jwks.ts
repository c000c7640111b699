import type { JSONWebKeySet } from 'jose';
import { Agent } from 'undici';
import { isSafe, type Issuer } from './issuers-file.ts';

const boundMs = 2000;
const mostBytes = 2 ** 20;

/** The public keys of an issuer, from where it says they are. Rejects within a few seconds where they cannot be had. */
export async function fetchJwks({ issuer, jwksUri }: Issuer): Promise<JSONWebKeySet> {
  const answer = await fetchJson(jwksUri ?? (await discover(issuer)));
  if (!('keys' in answer) || !Array.isArray(answer.keys)) throw new Error('the answer is no set of keys');
  return { keys: answer.keys.filter((key: unknown) => typeof key === 'object' && key !== null) };
}

/** OpenID Connect Discovery 1.0, section 4. */
async function discover(issuer: string): Promise<URL> {
  const described = await fetchJson(new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`));
  if (!('issuer' in described) || described.issuer !== issuer) throw new Error('its description is of another issuer');
  const uri = 'jwks_uri' in described && typeof described.jwks_uri === 'string' ? described.jwks_uri : '';
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url === undefined || !isSafe(url)) throw new Error('its description names no https:// URL of keys');
  return url;
}

async function fetchJson(url: URL): Promise<object> {
  const agent = new Agent({ connect: { timeout: boundMs }, maxResponseSize: mostBytes });
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${boundMs / 1000} s`)), boundMs);
  });
  try {
    return await Promise.race([readJson(agent, url), over]);
  } finally {
    clearTimeout(timer);
    await agent.destroy();
  }
}

async function readJson(agent: Agent, url: URL): Promise<object> {
  const { statusCode, body } = await agent.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: 'GET',
    headers: { accept: 'application/json' },
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== 'object' || answer === null) throw new Error('the answer is no JSON object');
  return answer;
}
