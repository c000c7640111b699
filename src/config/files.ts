import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { AegisError, messageOf } from '../errors.ts';
import type { Header, Parser } from './parsers.ts';
import { header } from './parsers.ts';
import type { Told } from './sources.ts';
import { notAllowed, quoted } from './usage.ts';

/** The text of a file that a setting names. Throws `invalid_setting` where it cannot be read. */
export function readNamedFile(file: Told<string>): string {
  try {
    return readFileSync(file.value, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
    const why = reasons[code] ?? `it cannot be read (${code})`;
    throw notAllowed(file.name, quoted(file.value), `a readable file; ${why}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is none',
  EACCES: 'its permissions, or those of its directory, do not let the user of this process read it',
  EISDIR: 'it is a directory',
};

/** A file with one secret in it, which is read again later: here only that it can be read and holds what is allowed. */
export function checkSecretFile(file: Told<string>, content: Parser<string>): void {
  if (content.parse(readNamedFile(file).trim()) === undefined)
    throw notAllowed(file.name, quoted(file.value), `a file with ${content.allowed} (its content is not shown)`);
}

/** A file of headers, one a line; empty lines and lines that begin with `#` are left out. */
export function readHeadersFile(file: Told<string>): readonly Header[] {
  const headers: Header[] = [];
  for (const [index, line] of readNamedFile(file).split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const parsed = header.parse(line);
    if (parsed === undefined)
      throw new AegisError(
        'invalid_setting',
        `${file.name}: ${quoted(file.value)}, line ${index + 1} is not allowed: ${header.allowed}`,
      );
    headers.push(parsed);
  }
  return headers;
}

/** Certificates and keys that TLS refuses end the start, not every query later. */
export function checkTlsFiles(
  ca: Told<string> | undefined,
  cert: Told<string> | undefined,
  key: Told<string> | undefined,
): void {
  if (ca !== undefined && !/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(readNamedFile(ca)))
    throw notAllowed(ca.name, quoted(ca.value), 'a PEM file with certificates');
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined)
    throw new AegisError(
      'invalid_setting',
      `${(cert ?? key)?.name ?? ''}: a certificate needs both its own file and that of its key`,
    );
  try {
    createSecureContext({ cert: readNamedFile(cert), key: readNamedFile(key) });
  } catch (error) {
    if (error instanceof AegisError) throw error;
    const why = `a PEM certificate with the key of ${key.name} (${messageOf(error)})`;
    throw notAllowed(cert.name, quoted(cert.value), why);
  }
}
