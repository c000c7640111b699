/** Something wrong, or doubtful, in an SLO file. Errors keep the file from loading; warnings do not. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** 1-based; absent where the problem has no place in the text (an unreadable file). */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** JSON path into the document: `spec.burnPolicy.rules[0].threshold`; empty for the document itself. */
  readonly path: string;
  /** What is wrong, with the value and what is allowed; may hold the remedy. */
  readonly message: string;
  /** The text of the line, for the caret under it. */
  readonly lineText?: string;
}
