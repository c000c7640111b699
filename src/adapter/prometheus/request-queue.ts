export type Priority = 'urgent' | 'scheduled';

export type Place =
  { readonly kind: 'granted'; readonly release: () => void } | { readonly kind: 'aborted' } | { readonly kind: 'full' };

/** Bounds the requests in flight; urgent ones go ahead of scheduled ones, each kind in the order of its coming. */
export interface RequestQueue {
  /** Resolves when a place is free, or at once when the signal aborts or too many wait. Release exactly once. */
  enter(priority: Priority, signal: AbortSignal): Promise<Place>;
  /** Places that are taken. */
  taken(): number;
}

const mostWaiting = 10_000;

export function createRequestQueue(places: number): RequestQueue {
  let free = places;
  const waiting: Readonly<Record<Priority, Set<() => void>>> = { urgent: new Set(), scheduled: new Set() };

  const grant = (): Place => {
    free -= 1;
    let released = false;
    return {
      kind: 'granted',
      release() {
        if (released) return;
        released = true;
        free += 1;
        const [next] = waiting.urgent.size > 0 ? waiting.urgent : waiting.scheduled;
        next?.();
      },
    };
  };

  return {
    taken: () => places - free,
    async enter(priority, signal) {
      if (signal.aborted) return { kind: 'aborted' };
      if (free > 0) return grant();
      if (waiting.urgent.size + waiting.scheduled.size >= mostWaiting) return { kind: 'full' };
      return new Promise((resolve) => {
        const leave = () => {
          waiting[priority].delete(onFree);
          signal.removeEventListener('abort', onAbort);
        };
        const onFree = () => {
          leave();
          resolve(grant());
        };
        const onAbort = () => {
          leave();
          resolve({ kind: 'aborted' });
        };
        waiting[priority].add(onFree);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
  };
}
