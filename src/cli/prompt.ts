import { createInterface } from 'node:readline/promises';
import { AegisError } from '../errors.ts';

/** Someone at a terminal who can be asked. */
export interface Prompt {
  /** The line that was typed. Rejects when there is nobody any more. */
  ask(question: string): Promise<string>;
  say(text: string): void;
  close(): void;
}

/** Undefined where nobody can answer. Questions go to standard error, so that standard output can be a file. */
export function promptOnTerminal(): Prompt | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  return {
    async ask(question) {
      try {
        return (await lines.question(question, { signal: ended.signal })).trim();
      } catch (error) {
        throw new AegisError('invalid_setting', 'the input ended before all was answered: nothing is written', {
          cause: error,
        });
      }
    },
    say: (text) => void process.stderr.write(text),
    close: () => lines.close(),
  };
}
