import type { LoadedSlo } from '../catalogue/ports.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { parseKept } from '../eval/kept-form.ts';
import type { KeptWindows } from '../eval/kept.ts';
import type { Log } from '../log.ts';
import type { KeptWindowsReader } from '../storage/ports.ts';

/** Gives what is left of an SLO's evaluations, once. */
export type TakeOver = (loaded: LoadedSlo) => Promise<KeptWindows | null>;

/** First evaluations wait no longer for it: what is not known by then is read from the source. */
const patienceMs = 500;

export interface TakeOverDeps {
  readonly stored: KeptWindowsReader;
  /** Names the metrics source of this server. */
  readonly source: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Loads what a server before this one has kept, for all SLOs at once. */
export function startTakeOver({ stored, source, clock, log }: TakeOverDeps): TakeOver {
  const texts = new Map<string, string>();
  const loading = stored.load().then(
    (loaded) => {
      for (const [id, text] of loaded) texts.set(id, text);
    },
    (error: unknown) => {
      log.info(`windows that were read before the start are read again: ${messageOf(error)}`, {
        component: 'scheduler',
      });
    },
  );
  const over = new AbortController();
  const late = clock.sleep(patienceMs, over.signal);
  const ready = Promise.race([loading, late]).then(() => over.abort());

  return async ({ slo, specHash }) => {
    await ready;
    const text = texts.get(slo.id);
    texts.delete(slo.id);
    return text === undefined ? null : parseKept(text, { specHash, source });
  };
}
