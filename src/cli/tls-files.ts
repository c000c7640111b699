import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Option } from 'commander';
import { path } from '../config/parsers.ts';
import { AegisError, messageOf } from '../errors.ts';
import { flag } from './command.ts';
import type { Terminal } from './terminal.ts';

/** Files that a person named, to ask a server over TLS. */
export interface TlsFiles {
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

/** What is in them, in PEM. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export function caFileFlag(given: TlsFiles): Option {
  const about = 'PEM file of the authorities to trust, in place of the public ones [AEGIS_CA_FILE]';
  return flag('--ca-file', 'file', about, path, (file) => (given.caFile = file));
}

export function certFileFlag(given: TlsFiles): Option {
  const about = 'PEM file of the client certificate, with --key-file [AEGIS_CERT_FILE]';
  return flag('--cert-file', 'file', about, path, (file) => (given.certFile = file));
}

export function keyFileFlag(given: TlsFiles): Option {
  return flag('--key-file', 'file', 'PEM file of its key [AEGIS_KEY_FILE]', path, (file) => (given.keyFile = file));
}

/** Reads the files, those of flags before those of variables, and checks that TLS takes them. */
export async function tlsFor({ env }: Terminal, given: TlsFiles): Promise<ClientTls> {
  const read = async (name: string, told: string | undefined) => {
    const file = told ?? env[`AEGIS_${name}_FILE`] ?? '';
    if (file === '') return undefined;
    return readFile(file, 'utf8').catch((error: unknown) => {
      throw new AegisError('invalid_setting', `--${name.toLowerCase()}-file: cannot be read: ${messageOf(error)}`);
    });
  };
  const [ca, cert, key] = [
    await read('CA', given.caFile),
    await read('CERT', given.certFile),
    await read('KEY', given.keyFile),
  ];
  if ((cert === undefined) !== (key === undefined))
    throw new AegisError('invalid_setting', '--cert-file, --key-file: one is missing: a certificate needs its key');
  // Node takes a file without any, and trusts nobody then.
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new AegisError('invalid_setting', '--ca-file: holds no certificate in PEM form');
  const tls = { ...(ca !== undefined && { ca }), ...(cert !== undefined && key !== undefined && { cert, key }) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new AegisError('invalid_setting', `--ca-file, --cert-file, --key-file: not usable: ${messageOf(error)}`);
  }
  return tls;
}
