export type Unquoted =
  { readonly ok: true; readonly value: string } | { readonly ok: false; readonly at: number; readonly message: string };

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const numericEscapes = [
  { form: /^[0-7]{3}/, digits: (text: string) => parseInt(text, 8) },
  { form: /^x[0-9a-fA-F]{2}/, digits: (text: string) => parseInt(text.slice(1), 16) },
  { form: /^u[0-9a-fA-F]{4}/, digits: (text: string) => parseInt(text.slice(1), 16) },
  { form: /^U(?:000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})/, digits: (text: string) => parseInt(text.slice(1), 16) },
] as const;

/**
 * The value of a PromQL string literal: Go's escapes between `"` or `'`, none between backticks.
 * The grammar takes an unterminated literal and any escape; Prometheus does not, so both are found here.
 */
export function unquote(literal: string): Unquoted {
  const quote = literal[0] ?? '';
  const body = literal.slice(1, -1);
  if (literal.length < 2 || !literal.endsWith(quote) || endsInsideEscape(quote, body)) {
    return { ok: false, at: 0, message: `the string is not closed: ${quote} is missing at its end` };
  }
  return quote === '`' ? { ok: true, value: body } : unescapeBody(body, quote);
}

function endsInsideEscape(quote: string, body: string): boolean {
  if (quote === '`') return false;
  const backslashes = /\\*$/.exec(body)?.[0].length ?? 0;
  return backslashes % 2 === 1;
}

function unescapeBody(body: string, quote: string): Unquoted {
  let value = '';
  for (let at = 0; at < body.length;) {
    const character = body.charAt(at);
    if (character !== '\\') {
      value += character;
      at += 1;
      continue;
    }
    const escape = readEscape(body.slice(at + 1), quote);
    if (escape === null) {
      const shown = `\\${body[at + 1] ?? ''}`;
      return { ok: false, at: at + 1, message: `unknown escape sequence ${shown} in a string: write \\${shown}` };
    }
    value += escape.value;
    at += 1 + escape.length;
  }
  return { ok: true, value };
}

function readEscape(rest: string, quote: string): { value: string; length: number } | null {
  const first = rest[0] ?? '';
  const simple = first === quote ? quote : Object.hasOwn(simpleEscapes, first) ? simpleEscapes[first] : undefined;
  if (simple !== undefined) return { value: simple, length: 1 };
  for (const { form, digits } of numericEscapes) {
    const match = form.exec(rest);
    if (match) return { value: String.fromCodePoint(digits(match[0])), length: match[0].length };
  }
  return null;
}
