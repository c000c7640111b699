import { messageOf } from '../../errors.ts';
import type { PrometheusSettings } from '../../config/settings.ts';
import { fileErrorOf, readSmallFile } from '../small-file.ts';

export type Headers =
  | {
      readonly kind: 'headers';
      readonly headers: Readonly<Record<string, string>>;
      readonly secrets: readonly string[];
    }
  | { readonly kind: 'failed'; readonly detail: string };

/** The headers that settings ask for. Files are read each time, so that a rotated secret is used by the next request. */
export async function requestHeaders(settings: PrometheusSettings): Promise<Headers> {
  const extra = settings.headers;
  const extraSecrets = Object.values(extra);
  try {
    if (settings.bearerTokenFile !== undefined || settings.bearerToken !== undefined) {
      const token = await secretOf('bearer token', settings.bearerTokenFile, settings.bearerToken);
      // Node's HTTP refuses such a header and would name its value.
      if (!/^[\x21-\x7e]*$/.test(token)) throw new Error('the bearer token holds characters that no header can carry');
      const authorization = `Bearer ${token}`;
      return { kind: 'headers', headers: { ...extra, authorization }, secrets: [token, ...extraSecrets] };
    }
    if (settings.username !== undefined) {
      const password = await secretOf('password', settings.passwordFile, settings.password);
      const encoded = Buffer.from(`${settings.username}:${password}`).toString('base64');
      const secrets = [password, encoded, ...extraSecrets];
      return { kind: 'headers', headers: { ...extra, authorization: `Basic ${encoded}` }, secrets };
    }
    return { kind: 'headers', headers: extra, secrets: extraSecrets };
  } catch (error) {
    return { kind: 'failed', detail: messageOf(error) };
  }
}

async function secretOf(what: string, file: string | undefined, value: string | undefined): Promise<string> {
  if (file === undefined) return value ?? '';
  try {
    return (await readSmallFile(file, longestSecretBytes)).trim();
  } catch (error) {
    throw new Error(`cannot read the ${what} file ${file}: ${fileErrorOf(error)}`, { cause: error });
  }
}

const longestSecretBytes = 64 * 1024;
