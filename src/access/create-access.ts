import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { keyRing, type KeyRing } from './key-ring.ts';
import { parseKeys } from './keys-file.ts';
import { openLiveFile, readOnce, type FileReload } from './live-file.ts';
import { adminSocketUser, openAccess } from './open-access.ts';
import type { AccessControl, Refusal } from './ports.ts';
import { refused } from './refused.ts';
import { createRefusals } from './refusals.ts';

export interface AccessFiles {
  readonly keysFile: string | undefined;
  readonly openMetrics: boolean;
}

/** Who may ask, by files that are read again when they change. */
export interface LiveAccess extends AccessControl {
  /** Reads now those files that there are. Never rejects. */
  reload(): Promise<{ readonly keys?: FileReload }>;
  /** Refusals since the start. */
  failures(): ReadonlyMap<Refusal, number>;
  stop(): Promise<void>;
}

export interface AccessOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each reading, also of the first. */
  readonly onReload: (what: 'keys', ok: boolean) => void;
}

const keysFileOf = (path: string) => ({
  path,
  setting: '--api-keys-file',
  parse: (text: string, file: string) => keyRing(parseKeys(text, file)),
});

/** Throws `invalid_setting` for a file that cannot be used as it stands: the server does not start with it. */
export async function checkAccessFiles({ keysFile }: AccessFiles): Promise<void> {
  if (keysFile !== undefined) await readOnce(keysFileOf(keysFile));
}

/** Reads the files and follows them until `stop`. */
export async function openAccessControl(files: AccessFiles, options: AccessOptions): Promise<LiveAccess> {
  const { clock, log } = options;
  const { keysFile, openMetrics } = files;
  const refusals = createRefusals(clock);
  const counted = { failures: () => refusals.counts() };
  if (keysFile === undefined) {
    const reload = () => Promise.resolve({});
    return { ...openAccess, ...counted, reload, stop: () => Promise.resolve() };
  }
  const summary = (ring: KeyRing) => {
    const usable = ring.usable(clock.now().wallMs);
    if (usable === 0) return 'no valid API key, so nobody gets in with one';
    return `${usable} valid API key${usable === 1 ? '' : 's'}`;
  };
  const keys = await openLiveFile({
    ...keysFileOf(keysFile),
    summary,
    clock,
    log,
    onReload: (ok) => options.onReload('keys', ok),
  });

  return {
    ...counted,
    openMetrics,
    asksForKey: true,
    identify({ token, isAdminSocket, address }) {
      if (isAdminSocket) return { kind: 'identified', identity: adminSocketUser };
      if (token === null) return refusals.settle(refused('missing'), address);
      if (typeof token === 'object') return refusals.settle(refused('malformed', token.unusable), address);
      const identified = keys.current().identify(token, clock.now().wallMs) ?? refused('malformed');
      return refusals.settle(identified, address);
    },
    async reload() {
      return { keys: await keys.reload() };
    },
    stop: () => keys.stop(),
  };
}
