/** A URL without user and password, and these by themselves, decoded. */
export interface SplitUrl {
  readonly url: URL;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export function splitUserinfo(given: URL): SplitUrl {
  const url = new URL(given);
  const username = decodeURIComponent(url.username) || undefined;
  const password = decodeURIComponent(url.password) || undefined;
  url.username = '';
  url.password = '';
  return { url, username, password };
}

/** A text that was meant as a URL, fit to be shown: whatever could be a user, a password or a token in it is left out. */
export function withoutSecrets(text: string): string {
  const scheme = /^[a-z]+:\/\//i.exec(text)?.[0] ?? '';
  const rest = text.slice(scheme.length);
  // The last `@`, and before the query is cut off: a password may itself hold `@` and `?`.
  const [bare = '', query] = rest.slice(rest.lastIndexOf('@') + 1).split('?', 2);
  return scheme + bare + (query === undefined ? '' : '?…');
}
