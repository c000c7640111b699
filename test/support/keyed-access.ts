import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashOf, newToken } from '../../src/access/api-key.ts';
import { openAccessControl, type LiveAccess } from '../../src/access/create-access.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import type { Log } from '../../src/log.ts';
import { createRecordingLog } from './recording-log.ts';

/** An entry of the file of keys; what a test leaves out is as `aegis keys` would write it. */
export type KeyFields = Readonly<Record<string, unknown>> & { readonly scopes: readonly string[] };

/** A file of keys by id, and the tokens that belong to them. */
export function keysFileText(entries: Readonly<Record<string, KeyFields>>) {
  const tokens: Record<string, string> = {};
  const keys = Object.entries(entries).map(([id, fields]) => {
    const token = newToken(id);
    tokens[id] = token;
    return { id, hash: `sha256:${hashOf(token).toString('hex')}`, created: '2026-11-01T00:00:00Z', ...fields };
  });
  return { text: JSON.stringify({ keys }), tokens, tokenOf: (id: string) => tokens[id] ?? '' };
}

export interface KeyedAccess {
  readonly access: LiveAccess;
  readonly tokenOf: (id: string) => string;
  /** Stops following the file and removes it. */
  close(): Promise<void>;
}

/** Access control over a real file of keys. */
export async function keyedAccess(
  entries: Readonly<Record<string, KeyFields>>,
  options: { readonly openMetrics?: boolean; readonly clock?: Clock; readonly log?: Log } = {},
): Promise<KeyedAccess> {
  const { openMetrics = false, clock = systemClock, log = createRecordingLog() } = options;
  const directory = mkdtempSync(join(tmpdir(), 'aegis-keys-'));
  const keysFile = join(directory, 'keys.json');
  const { text, tokenOf } = keysFileText(entries);
  writeFileSync(keysFile, text, { mode: 0o600 });
  const access = await openAccessControl(
    { keysFile, oidcFile: undefined, openMetrics },
    { clock, log, onReload: () => undefined },
  );
  return {
    access,
    tokenOf,
    async close() {
      await access.stop();
      rmSync(directory, { recursive: true });
    },
  };
}
