/** A place in a query and what is wrong there. */
export interface Fault {
  /** Offset in UTF-16 units. */
  readonly offset: number;
  readonly message: string;
}
