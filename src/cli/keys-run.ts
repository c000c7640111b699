import { randomBytes } from 'node:crypto';
import { hashOf, newToken } from '../access/api-key.ts';
import { addKey, readKeys, revokeKey } from '../access/edit-keys.ts';
import { isExpired, type ApiKey } from '../access/keys-file.ts';
import { visible } from '../telemetry/visible.ts';
import { jsonText } from './json-text.ts';
import type { Terminal } from './terminal.ts';

export interface NewKey {
  readonly id?: string;
  readonly description?: string;
  readonly lifetimeMs?: number;
  readonly scopes: readonly string[];
  readonly slos: readonly string[];
  readonly services: readonly string[];
  readonly environments: readonly string[];
}

/** The key itself on standard output and nothing else, so that a script can take it from there. */
export async function createKey(terminal: Terminal, file: string, asked: NewKey): Promise<void> {
  const { description, lifetimeMs, scopes, slos, services, environments } = asked;
  const id = asked.id ?? `key-${randomBytes(4).toString('hex')}`;
  const token = newToken(id);
  const nowMs = Date.now();
  const expires = lifetimeMs === undefined ? undefined : instant(nowMs + lifetimeMs);
  await addKey(file, {
    id,
    ...(description !== undefined && { description }),
    hash: `sha256:${hashOf(token).toString('hex')}`,
    scopes: [...new Set(scopes)],
    ...(slos.length > 0 && { slos }),
    ...(services.length > 0 && { services }),
    ...(environments.length > 0 && { environments }),
    created: instant(nowMs),
    ...(expires !== undefined && { expires }),
  });
  await terminal.out(`${token}\n`);
  const until = expires === undefined ? 'never expires' : `expires ${expires}`;
  await terminal.err(
    `aegis keys: ${id} (${scopes.join(', ')}) stands in ${file} and ${until}; the key is shown this once\n`,
  );
}

export async function revokeOne(terminal: Terminal, file: string, id: string): Promise<void> {
  const done = await revokeKey(file, id, instant(Date.now()));
  await terminal.err(`aegis keys: ${id} ${done === 'revoked' ? 'is revoked' : 'was revoked before'}\n`);
}

export async function listKeys(terminal: Terminal, file: string, format: 'text' | 'json'): Promise<void> {
  const nowMs = Date.now();
  const listed = [...(await readKeys(file)).values()].map((key) => rowOf(key, nowMs));
  await terminal.out(format === 'json' ? `${jsonText({ keys: listed }, 2)}\n` : tableOf(listed));
}

/** What may be told of a key: its hash is not. */
function rowOf(key: ApiKey, nowMs: number) {
  const { slos, services, environments } = key.grant;
  return {
    id: key.id,
    status: key.isRevoked ? 'revoked' : isExpired(key, nowMs) ? 'expired' : 'valid',
    scopes: [...key.grant.scopes],
    slos: slos ?? null,
    services: services ?? null,
    environments: environments ?? null,
    created: key.createdMs === null ? null : instant(key.createdMs),
    expires: key.expiresMs === null ? null : instant(key.expiresMs),
    description: key.description,
  };
}

type Row = ReturnType<typeof rowOf>;

function tableOf(rows: readonly Row[]): string {
  if (rows.length === 0) return 'no keys: nobody gets in with one\n';
  const cells = rows.map((row) => [
    row.id,
    row.status,
    row.scopes.join(','),
    restrictionOf(row),
    row.created ?? '-',
    row.expires ?? 'never',
    visible(row.description ?? ''),
  ]);
  const table = [['ID', 'STATUS', 'SCOPES', 'SLOS', 'CREATED', 'EXPIRES', 'DESCRIPTION'], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  const lines = table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function restrictionOf({ slos, services, environments }: Row): string {
  const parts = [
    ...(slos === null ? [] : [slos.join(',')]),
    ...(services === null ? [] : [`service=${services.join(',')}`]),
    ...(environments === null ? [] : [`env=${environments.join(',')}`]),
  ];
  return parts.length === 0 ? 'all' : visible(parts.join(' '));
}

/** To the second: what a person reads. */
function instant(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
