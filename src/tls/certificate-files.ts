import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsSettings } from '../config/settings.ts';
import { messageOf } from '../errors.ts';
import type { CertificateStatus } from './ports.ts';

/** What a certificate says of itself. */
export interface CertificateFacts extends Pick<CertificateStatus, 'certificate' | 'subject' | 'notAfterMs'> {
  readonly file: string;
}

/** Files that were read and fit together. */
export interface CertificateSet {
  readonly context: SecureContextOptions;
  readonly facts: readonly CertificateFacts[];
}

const longestFileBytes = 1024 * 1024;
const pemBlock = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Reads all files and checks that TLS takes them. Rejects with a sentence that names the file. */
export async function readCertificates({ certFile, keyFile, clientCaFile }: TlsSettings): Promise<CertificateSet> {
  const cert = await read(certFile);
  const key = await read(keyFile);
  const ca = clientCaFile === undefined ? undefined : await read(clientCaFile);
  const facts = [factsOf('server', certFile, cert)];
  if (clientCaFile !== undefined && ca !== undefined) facts.push(factsOf('client_ca', clientCaFile, ca));
  const context: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) };
  try {
    createSecureContext(context);
  } catch (error) {
    throw new Error(`${certFile} and ${keyFile} are no certificate with its key: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { context, facts };
}

/** Differs where any of the files does: by the file that a link leads to, so that a swapped link is seen. */
export async function stampOf({ certFile, keyFile, clientCaFile }: TlsSettings): Promise<string> {
  const files = clientCaFile === undefined ? [certFile, keyFile] : [certFile, keyFile, clientCaFile];
  const stamps = files.map(async (file) => {
    const info = await stat(file, { bigint: true }).catch(messageOf);
    return typeof info === 'string' ? info : [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(' ');
  });
  return (await Promise.all(stamps)).join('\n');
}

async function read(file: string): Promise<string> {
  const info = await stat(file).catch((error: unknown) => {
    throw new Error(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (!info.isFile()) throw new Error(`${file} is not a regular file`);
  if (info.size > longestFileBytes) throw new Error(`${file} is larger than ${longestFileBytes} bytes`);
  return readFile(file, 'utf8');
}

function factsOf(certificate: CertificateFacts['certificate'], file: string, pem: string): CertificateFacts {
  const all = (pem.match(pemBlock) ?? []).map((block) => parse(file, block));
  const [first] = all;
  if (first === undefined) throw new Error(`${file} holds no certificate in PEM form`);
  // Of a chain it is the server's own that counts: what stands behind it may have expired and be sent for old clients.
  const counted = certificate === 'server' ? [first] : all;
  const notAfterMs = Math.min(...counted.map(({ validTo }) => Date.parse(validTo)));
  return { certificate, file, subject: first.subject.replaceAll('\n', ', '), notAfterMs };
}

function parse(file: string, block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    throw new Error(`${file} holds a certificate that cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
