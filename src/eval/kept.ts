/** What was read of a window, for evaluations to come. What failed, had no data or is doubtful is never kept. */
export interface KeptWindow {
  readonly name: string;
  readonly good: number;
  readonly total: number;
  /** Epoch milliseconds. */
  readonly readAtMs: number;
  /** Epoch milliseconds; after it the window is read again. */
  readonly untilMs: number;
  /** By how much its burn rate may have moved from then to `KeptWindows.asOfMs`. */
  readonly moved: number;
}

export interface KeptCoverage {
  readonly value: number;
  /** Counted from the first sample, as the series is younger than the window. */
  readonly ofYoung: boolean;
  readonly readAtMs: number;
  readonly untilMs: number;
}

/** What the next evaluation of an SLO may lean on. */
export interface KeptWindows {
  /** Epoch milliseconds of the latest evaluation that read the shortest window. */
  readonly asOfMs: number;
  /** Burn rate of the shortest window then. */
  readonly burnRate: number;
  readonly windows: readonly KeptWindow[];
  readonly coverage: KeptCoverage | null;
}
