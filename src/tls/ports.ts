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
  lastReload(): { readonly isOk: boolean; readonly atMs: number };
}
