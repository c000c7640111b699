import type { JWTVerifyGetKey } from 'jose';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { fetchJwks } from './fetch-jwks.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import { parseIssuers, type Issuer } from './issuers-file.ts';
import { keyRing, type KeyRing } from './key-ring.ts';
import { parseKeys } from './keys-file.ts';
import { openLiveFile, readOnce, type FileReload } from './live-file.ts';
import { adminSocketUser, openAccess } from './open-access.ts';
import type { AccessControl, Refusal } from './ports.ts';
import { refused } from './refused.ts';
import { createRefusals } from './refusals.ts';
import { isJwt, tokenVerifier } from './token-verifier.ts';

export interface AccessFiles {
  readonly keysFile: string | undefined;
  readonly oidcFile: string | undefined;
  readonly openMetrics: boolean;
}

/** Who may ask, by files that are read again when they change. */
export interface LiveAccess extends AccessControl {
  /** Reads now those files that there are. Never rejects. */
  reload(): Promise<{ readonly keys?: FileReload; readonly issuers?: FileReload }>;
  /** Refusals since the start. */
  failures(): ReadonlyMap<Refusal, number>;
  stop(): Promise<void>;
}

export interface AccessOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each reading, also of the first. */
  readonly onReload: (what: 'keys' | 'issuers', ok: boolean) => void;
}

const keysFileOf = (path: string) => ({
  path,
  setting: '--api-keys-file',
  isPrivate: true,
  parse: (text: string, file: string) => keyRing(parseKeys(text, file)),
});

const issuersFileOf = (path: string) => ({ path, setting: '--oidc-file', isPrivate: false, parse: parseIssuers });

/** Throws `invalid_setting` for a file that cannot be used as it stands: the server does not start with it. */
export async function checkAccessFiles({ keysFile, oidcFile }: AccessFiles): Promise<void> {
  if (keysFile !== undefined) await readOnce(keysFileOf(keysFile));
  if (oidcFile !== undefined) await readOnce(issuersFileOf(oidcFile));
}

/** Reads the files and follows them until `stop`. */
export async function openAccessControl(files: AccessFiles, options: AccessOptions): Promise<LiveAccess> {
  const { clock } = options;
  const refusals = createRefusals(clock);
  const counted = { failures: () => refusals.counts() };
  if (files.keysFile === undefined && files.oidcFile === undefined) {
    const reload = () => Promise.resolve({});
    return { ...openAccess, ...counted, reload, stop: () => Promise.resolve() };
  }
  const keys = await openKeys(files.keysFile, options);
  const issuers = await openIssuers(files.oidcFile, options);

  return {
    ...counted,
    openMetrics: files.openMetrics,
    asksForKey: true,
    identify({ token, isAdminSocket, address }) {
      if (isAdminSocket) return { kind: 'identified', identity: adminSocketUser };
      if (token === null) return refusals.settle(refused('missing'), address);
      if (typeof token === 'object') return refusals.settle(refused('malformed', token.unusable), address);
      const byKey = keys?.current().identify(token, clock.now().wallMs);
      if (byKey !== undefined) return refusals.settle(byKey, address);
      if (issuers === undefined || !isJwt(token)) return refusals.settle(refused('malformed'), address);
      return issuers
        .verifier()
        .identify(token)
        .then((later) => refusals.settle(later, address));
    },
    async reload() {
      return { ...(keys && { keys: await keys.reload() }), ...(issuers && { issuers: await issuers.reload() }) };
    },
    async stop() {
      await keys?.stop();
      await issuers?.stop();
    },
  };
}

function openKeys(path: string | undefined, { clock, log, onReload }: AccessOptions) {
  if (path === undefined) return undefined;
  const summary = (ring: KeyRing) => {
    const usable = ring.usable(clock.now().wallMs);
    if (usable === 0) return 'no valid API key, so nobody gets in with one';
    return `${usable} valid API key${usable === 1 ? '' : 's'}`;
  };
  return openLiveFile({ ...keysFileOf(path), summary, clock, log, onReload: (ok) => onReload('keys', ok) });
}

async function openIssuers(path: string | undefined, { clock, log, onReload }: AccessOptions) {
  if (path === undefined) return undefined;
  /** By issuer and place of the keys: what was fetched outlives a change of the rules. */
  let fetched = new Map<string, JWTVerifyGetKey>();
  const nameOf = ({ issuer, jwksUri }: Issuer) => `${issuer} ${jwksUri?.href ?? ''}`;
  const keysOf = (issuer: Issuer) =>
    fetched.get(nameOf(issuer)) ?? createIssuerKeys(issuer.issuer, () => fetchJwks(issuer), { clock, log });
  const summary = (issuers: readonly Issuer[]) =>
    `${issuers.length} issuer${issuers.length === 1 ? '' : 's'} of tokens`;
  const file = await openLiveFile({
    ...issuersFileOf(path),
    summary,
    clock,
    log,
    onReload: (ok) => onReload('issuers', ok),
  });
  let of: readonly Issuer[] | undefined;
  let verifier = tokenVerifier([], keysOf, clock);
  return {
    verifier() {
      const issuers = file.current();
      if (issuers !== of) {
        of = issuers;
        fetched = new Map(issuers.map((issuer) => [nameOf(issuer), keysOf(issuer)]));
        verifier = tokenVerifier(issuers, keysOf, clock);
      }
      return verifier;
    },
    reload: () => file.reload(),
    stop: () => file.stop(),
  };
}
