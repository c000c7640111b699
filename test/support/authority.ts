import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate with its key, in PEM, and the files that hold them. */
export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of the test's own. */
export interface Authority {
  readonly caFile: string;
  readonly ca: string;
  /** For 127.0.0.1; of −1 days it expired yesterday. */
  issue(name: string, days?: number): Issued;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function createAuthority(directory: string, name = 'authority', days = 365): Authority {
  const path = (file: string) => join(directory, `${name}-${file}`);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe', timeout: 60_000 });
  const [caFile, caKey] = [path('ca.pem'), path('ca.key')];
  openssl('req', '-x509', ...newKey, '-days', String(days), '-subj', `/CN=${name}`, '-keyout', caKey, '-out', caFile);
  return {
    caFile,
    ca: readFileSync(caFile, 'utf8'),
    issue(subject, leafDays = 365) {
      const [certFile, keyFile, request] = [path(`${subject}.pem`), path(`${subject}.key`), path(`${subject}.csr`)];
      const names = ['-subj', `/CN=${subject}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
      openssl('req', '-new', ...newKey, ...names, '-keyout', keyFile, '-out', request);
      const signed = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-days', String(leafDays)];
      openssl('x509', '-req', '-in', request, ...signed, '-copy_extensions', 'copyall', '-out', certFile);
      return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    },
  };
}
