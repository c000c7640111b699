/** What a command knows of the place it was called from. */
export interface Terminal {
  /** Resolves when the text was handed over; a reader that has gone is no error. */
  out(text: string): Promise<void>;
  err(text: string): Promise<void>;
  /** Whether a person reads standard output. */
  readonly isTerminal: boolean;
  readonly colours: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the screen, in characters; undefined where there is none. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  onResize(listener: () => void): void;
  /**
   * For commands that go on until somebody has enough: aborts on Ctrl-C, SIGTERM, SIGHUP, or when nobody reads our
   * output any more. A command that never asks is ended by these signals as usual.
   */
  untilInterrupted(): AbortSignal;
}

export function processTerminal(): Terminal {
  const isTerminal = process.stdout.isTTY;
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  // `aegis validate | head` closes our output early; the exit code is still the answer.
  process.stdout.on('error', interrupt);
  process.stderr.on('error', () => undefined);
  const write = (stream: NodeJS.WriteStream) => (text: string) =>
    new Promise<void>((resolve) => stream.write(text, () => resolve()));
  return {
    out: write(process.stdout),
    err: write(process.stderr),
    isTerminal,
    colours: wantsColours(isTerminal, process.env),
    env: process.env,
    size: () => (isTerminal ? { columns: process.stdout.columns, rows: process.stdout.rows } : undefined),
    onResize: (listener) => void process.stdout.on('resize', listener),
    untilInterrupted: () => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
      return interruption.signal;
    },
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
