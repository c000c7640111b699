/** Work of many small pieces, of which each turn of the event loop does a few, so that others have theirs between them. */
export interface Turns {
  /** Does the first few pieces, and the others in the turns that follow. */
  begin(): void;
  end(): void;
}

/** Some milliseconds of work: opening a loop takes 50 us, an evaluation that asks nobody half a millisecond. */
const piecesATurn = 16;

/** `next` does one piece; false where there was none left. */
export function createTurns(next: () => boolean): Turns {
  let following: NodeJS.Immediate | undefined;

  function turn(): void {
    following = undefined;
    for (let done = 0; done < piecesATurn; done += 1) if (!next()) return;
    following = setImmediate(turn);
  }

  return {
    begin() {
      if (following === undefined) turn();
    },
    end: () => clearImmediate(following),
  };
}
