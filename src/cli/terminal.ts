/** What a command knows of the place it was called from. */
export interface Terminal {
  /** Resolves when the text was handed over; a reader that has gone is no error. */
  out(text: string): Promise<void>;
  err(text: string): Promise<void>;
  /** Whether a person reads standard output. */
  readonly isTerminal: boolean;
  readonly colours: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function processTerminal(): Terminal {
  const isTerminal = process.stdout.isTTY;
  // `aegis validate | head` closes our output early; the exit code is still the answer.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const write = (stream: NodeJS.WriteStream) => (text: string) =>
    new Promise<void>((resolve) => stream.write(text, () => resolve()));
  return {
    out: write(process.stdout),
    err: write(process.stderr),
    isTerminal,
    colours: wantsColours(isTerminal, process.env),
    env: process.env,
  };
}

/** NO_COLOR and FORCE_COLOR as no-color.org and Node have them: set and not empty; the second goes before the first. */
export function wantsColours(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const { FORCE_COLOR: force = '', NO_COLOR: none = '', TERM: term = '' } = env;
  if (force !== '') return force !== '0' && force !== 'false';
  return isTerminal && none === '' && term !== 'dumb';
}

const codes = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;

export type Style = keyof typeof codes;

/** Writes text in a style, or as it is where there are no colours. */
export type Paint = (style: Style, text: string) => string;

export function painter(colours: boolean): Paint {
  return (style, text) => (colours ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}
