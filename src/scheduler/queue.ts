export type Priority = 'urgent' | 'scheduled';

/** A place in the queue. */
export interface Turn {
  /** Resolves `true` when it is this one's turn, `false` when it was abandoned before. */
  readonly come: Promise<boolean>;
  /** Moves a scheduled turn that is still waiting among the urgent ones. */
  promote(): void;
  /** Leaves the queue if it is still waiting; a turn that has come is not touched. */
  abandon(): void;
  /** Frees the place of a turn that has come. Idempotent. */
  end(): void;
}

/**
 * Evaluations under way are bounded; the others wait, urgent ones ahead of scheduled ones, each kind in its order. Its
 * length is bounded by its users: an SLO has at most one scheduled and one urgent turn.
 */
export interface EvaluationQueue {
  enter(priority: Priority): Turn;
  readonly waiting: number;
  readonly running: number;
}

interface Waiting {
  readonly admit: () => void;
}

export function createQueue(concurrency: number): EvaluationQueue {
  const waiting: Record<Priority, Set<Waiting>> = { urgent: new Set(), scheduled: new Set() };
  let running = 0;

  function admitNext(): void {
    while (running < concurrency) {
      const [next] = waiting.urgent.size > 0 ? waiting.urgent : waiting.scheduled;
      if (next === undefined) return;
      waiting.urgent.delete(next);
      waiting.scheduled.delete(next);
      running += 1;
      next.admit();
    }
  }

  return {
    enter(priority) {
      let state: 'waiting' | 'running' | 'ended' = 'waiting';
      let settle: (come: boolean) => void = () => undefined;
      const come = new Promise<boolean>((resolve) => (settle = resolve));
      const entry: Waiting = {
        admit: () => {
          state = 'running';
          settle(true);
        },
      };
      waiting[priority].add(entry);
      admitNext();
      return {
        come,
        promote() {
          if (state === 'waiting' && waiting.scheduled.delete(entry)) waiting.urgent.add(entry);
        },
        abandon() {
          if (state !== 'waiting') return;
          state = 'ended';
          waiting.urgent.delete(entry);
          waiting.scheduled.delete(entry);
          settle(false);
        },
        end() {
          if (state !== 'running') return;
          state = 'ended';
          running -= 1;
          admitNext();
        },
      };
    },
    get waiting() {
      return waiting.urgent.size + waiting.scheduled.size;
    },
    get running() {
      return running;
    },
  };
}
