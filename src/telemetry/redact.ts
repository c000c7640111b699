// Names of fields whose values are secret wherever they appear.
const secretName =
  /^(?:proxy-)?authorization$|^(?:set-)?cookie$|passw(?:or)?d|secret|(?:^|[-_.])token$|token$|api[-_]?key/i;

/** As deep as a log field is looked through; what lies deeper is left out. */
const maxDepth = 4;

/** A safety net under the rule that secrets are not logged: what a line may hold of a field of this name. */
export function redactField(name: string, value: unknown): unknown {
  return isSecret(name) ? '[redacted]' : redactValue(value, maxDepth);
}

// The names of fields are few, and each stands in many lines.
const knownNames = new Map<string, boolean>();
const mostKnownNames = 1000;

/** Whether a field's value is secret, by its name. */
export function isSecret(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const result = secretName.test(name);
  if (knownNames.size < mostKnownNames) knownNames.set(name, result);
  return result;
}

/** A text without the user and password of the URLs in it, and without keys and tokens: someone puts one into a path. */
export function redactText(text: string): string {
  const plain = text.includes('@') ? text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi, '$1') : text;
  if (!plain.includes('aegis_') && !plain.includes('eyJ')) return plain;
  return plain.replace(apiKey, '$1[redacted]').replace(jwt, '[redacted]');
}

// Also with more behind it: a key with a letter too many tells the key. Its id stays, so that it can be revoked.
const apiKey = /(aegis_[a-z0-9.-]{1,64}_)[\w-]{43,}/g;
const jwt = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return redactText(describeError(value));
  if (value instanceof Date) return value;
  if (value instanceof URL) return redactText(value.href);
  if (depth === 0) return '[deeper]';
  if (Array.isArray(value)) return value.map((item: unknown) => redactValue(item, depth - 1));
  const result: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    result[name] = isSecret(name) ? '[redacted]' : redactValue(inner, depth - 1);
  }
  return result;
}

/** The message of an error with those of its causes, which hold the reason more often than not. */
function describeError(error: Error): string {
  const seen = new Set<unknown>();
  const messages: string[] = [];
  for (let at: unknown = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at);
    messages.push(at.message);
  }
  return messages.join(': ');
}
