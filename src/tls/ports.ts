import type { SecureContextOptions } from 'node:tls';

/** A certificate that this server shows, or (the authorities of its clients) checks others with. */
export interface CertificateStatus {
  readonly certificate: 'server' | 'client_ca';
  /** On one line: `CN=aegis.internal, O=Platform`. */
  readonly subject: string;
  /** Of a file with several certificates, the first that ends. */
  readonly notAfterMs: number;
  /** Whole days until then; negative once it has expired. */
  readonly daysLeft: number;
  /** Why its files were not taken when they were last read; null where they were. */
  readonly lastError: string | null;
}

/** What others know of the server's certificates. */
export interface Certificates {
  status(): readonly CertificateStatus[];
}

/** What the HTTP server takes its certificates from. */
export interface CertificateSource {
  /** Certificate and key; authorities where clients have to show a certificate, too. */
  current(): SecureContextOptions;
  /** Whether clients have to show a certificate. Fixed at the start. */
  readonly isMutual: boolean;
  onChange(listener: () => void): void;
}
