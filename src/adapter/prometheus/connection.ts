import { Pool } from 'undici';
import type { PrometheusSettings } from '../../config/settings.ts';
import { messageOf } from '../../errors.ts';
import { fileErrorOf, readSmallFile } from '../small-file.ts';

/** Longest wait for a connection: undici hears an abort only once it is connected. */
const longestConnectMs = 2_000;

export type PoolOrFailure =
  { readonly kind: 'pool'; readonly pool: Pool } | { readonly kind: 'failed'; readonly detail: string };

/** The connections to the source. */
export interface Connection {
  /** The pool of the certificates as they are now; a changed file makes a new one. */
  pool(): Promise<PoolOrFailure>;
  close(): Promise<void>;
}

export function createConnection(settings: PrometheusSettings): Connection {
  let current: { readonly pool: Pool; readonly certificates: string } | undefined;
  return {
    async pool() {
      let tls: Certificates;
      try {
        tls = await readCertificates(settings);
      } catch (error) {
        return { kind: 'failed', detail: messageOf(error) };
      }
      const certificates = JSON.stringify(tls);
      if (current?.certificates !== certificates) {
        const old = current?.pool;
        current = { pool: createPool(settings, tls), certificates };
        // Requests under way end on the old one; a failure to close it changes nothing for anybody.
        old?.close().catch(() => undefined);
      }
      return { kind: 'pool', pool: current.pool };
    },
    close: async () => current?.pool.destroy(),
  };
}

function createPool(settings: PrometheusSettings, tls: Certificates): Pool {
  const timeout = Math.min(longestConnectMs, settings.timeoutMs);
  return new Pool(settings.url.origin, {
    connections: settings.concurrency,
    pipelining: 1,
    // Ours is the only deadline: it covers the whole exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout, ...tls },
  });
}

interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const longestCertificateBytes = 1024 * 1024;

async function readCertificates({ caFile, certFile, keyFile }: PrometheusSettings): Promise<Certificates> {
  const [ca, cert, key] = await Promise.all([
    read('CA', caFile),
    read('client certificate', certFile),
    read('client key', keyFile),
  ]);
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
}

async function read(what: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readSmallFile(path, longestCertificateBytes);
  } catch (error) {
    throw new Error(`cannot read the ${what} file ${path}: ${fileErrorOf(error)}`, { cause: error });
  }
}
