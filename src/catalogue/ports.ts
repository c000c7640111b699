import type { Problem } from '../slo/problem.ts';
import type { Slo } from '../slo/model.ts';

/** An SLO that is served, with the hashes of what it says. */
export interface LoadedSlo {
  readonly slo: Slo;
  /** Hash of the whole document with its defaults, canonical. */
  readonly specHash: string;
  /** Hash of what decides the numbers: queries and windows. */
  readonly sliHash: string;
  readonly file: string;
}

/** A file that did not load as it stands. */
export interface FileInError {
  readonly file: string;
  readonly problems: readonly Problem[];
  /** What could still be read of its documents, to name the file where one of these is asked for. */
  readonly declares: readonly { readonly id?: string; readonly service?: string; readonly environment?: string }[];
  /** Ids that go on being served from the file's last good version. */
  readonly keeps: readonly string[];
}

/** The live set at one moment; never half a reload. */
export interface CatalogueSnapshot {
  readonly slos: ReadonlyMap<string, LoadedSlo>;
  readonly filesInError: readonly FileInError[];
  readonly warnings: readonly Problem[];
  /** Number of files read. */
  readonly files: number;
  readonly lastReload: { readonly atMs: number; readonly outcome: 'ok' | 'errors' | 'kept'; readonly message: string };
}

export interface CatalogueChange {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** What other rooms know of the catalogue. */
export interface SloCatalogue {
  current(): CatalogueSnapshot;
  /** Called after the snapshot was replaced. Returns the function that ends it. */
  onChange(listener: (change: CatalogueChange, snapshot: CatalogueSnapshot) => void): () => void;
  /** Reads the directory again; concurrent calls are coalesced. Never rejects. */
  reload(): Promise<CatalogueSnapshot>;
}
