import { AegisError } from '../errors.ts';
import { checkTlsFiles } from './files.ts';
import type { TlsSettings } from './settings.ts';
import type { Sources } from './sources.ts';
import { table } from './table.ts';

/** The server's certificate, its files checked; undefined where there is none. Throws `invalid_setting`. */
export function readTlsSettings(sources: Sources): TlsSettings | undefined {
  const cert = sources.one(table.tlsCert);
  const key = sources.one(table.tlsKey);
  const clientCa = sources.one(table.tlsClientCa);
  checkTlsFiles(clientCa, cert, key);
  if (cert === undefined || key === undefined) {
    if (clientCa === undefined) return undefined;
    throw new AegisError('invalid_setting', `${clientCa.name}: needs ${table.tlsCert.flag} and ${table.tlsKey.flag}`);
  }
  return { certFile: cert.value, keyFile: key.value, clientCaFile: clientCa?.value };
}
