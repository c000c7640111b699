import { Composer, Parser, type CST, type Document } from 'yaml';

/** The documents of a text, or why it cannot be read at all. */
export type YamlText =
  | { readonly ok: true; readonly documents: readonly Document.Parsed[] }
  | { readonly ok: false; readonly offset: number; readonly message: string };

// SLO files are about six levels deep and hold no errors; both bounds are far away from what people write.
const deepest = 64;
const mostErrors = 100;

/**
 * Splits a text into YAML documents with their places.
 *
 * The depth is bounded before the documents are composed: composing recurses, and a stack that ends while V8 compiles
 * a regular expression ends the whole process, beyond any `catch`.
 */
export function readYaml(text: string): YamlText {
  const tokens = [...new Parser().parse(text)];
  const refusal = refuse(tokens);
  if (refusal !== undefined) return { ok: false, ...refusal };
  // Keys that come twice are looked for in document-keys.ts: the composer's search is quadratic.
  const composer = new Composer({
    prettyErrors: false,
    logLevel: 'error',
    uniqueKeys: false,
    merge: true,
    stringKeys: true,
  });
  return { ok: true, documents: [...composer.compose(tokens)] };
}

function refuse(tokens: readonly CST.Token[]): { offset: number; message: string } | undefined {
  let errors = 0;
  const stack = tokens.map((token) => ({ token, depth: 0 }));
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { token, depth } = entry;
    if (depth > deepest) return { offset: token.offset, message: `the YAML is nested more than ${deepest} deep` };
    if (token.type === 'error') errors += 1;
    if (errors > mostErrors) return { offset: 0, message: 'this is not YAML' };
    for (const child of childrenOf(token)) stack.push({ token: child, depth: depth + 1 });
  }
  return undefined;
}

function childrenOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value].filter((child) => child !== undefined && child !== null));
}
