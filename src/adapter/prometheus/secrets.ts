import { excerpt } from './decode.ts';
import type { RequestFailure } from './failure.ts';

/** A key in the URL's query (`?token=…`) is as secret as one in a header. */
export function secretsIn(url: URL): readonly string[] {
  return [...url.searchParams.values()].filter((value) => value.length >= 8);
}

export function withoutSecrets(failure: RequestFailure, secrets: readonly string[]): RequestFailure {
  return { ...failure, detail: excerpt(masked(failure.detail, secrets), 400) };
}

/** A source may repeat what it was sent. Texts of a few characters are no secrets, and would spoil every sentence. */
export function masked(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret.length >= 4).reduce((left, secret) => left.replaceAll(secret, '***'), text);
}
