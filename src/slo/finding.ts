import type { JsonPath } from './json-path.ts';

/** Something wrong or doubtful in one document, before its place in the file is looked up. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** What it is about; it need not exist (a key that is missing). */
  readonly path: JsonPath;
  readonly message: string;
  /** What is pointed at: the value (the default), its key, or a character of the value, a text. */
  readonly at?: 'key' | { readonly character: number };
}

export const error = (path: JsonPath, message: string, at?: Finding['at']): Finding => ({
  severity: 'error',
  path,
  message,
  ...(at === undefined ? {} : { at }),
});

export const warning = (path: JsonPath, message: string, at?: Finding['at']): Finding => ({
  ...error(path, message, at),
  severity: 'warning',
});
