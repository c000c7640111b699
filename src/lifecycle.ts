import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** A step that could not be done, or not in its time. */
export interface StopFailure {
  readonly name: string;
  readonly error: unknown;
}

/** What was acquired, and how to let it go: teardown is registered right after acquisition and runs last in, first out. */
export interface Lifecycle {
  /** Registered while or after stopping, the step is run as well: a start that was overtaken by a stop leaves nothing. */
  onStop(name: string, step: () => void | Promise<void>, options?: { readonly boundMs?: number }): void;
  /** Runs all steps, each within its bound, whatever the others come to. Called again, it gives the same promise. Never rejects. */
  stop(): Promise<readonly StopFailure[]>;
}

interface Step {
  readonly name: string;
  readonly run: () => void | Promise<void>;
  readonly boundMs: number;
}

export function createLifecycle(log: Log, { boundMs = 8000 }: { readonly boundMs?: number } = {}): Lifecycle {
  const steps: Step[] = [];
  let stopping: Promise<readonly StopFailure[]> | undefined;
  let stopped = false;

  const runAll = async (): Promise<readonly StopFailure[]> => {
    const failures: StopFailure[] = [];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const failure = await runStep(step, log);
      if (failure !== undefined) failures.push(failure);
    }
    stopped = true;
    return failures;
  };

  return {
    onStop(name, run, options = {}) {
      const step = { name, run, boundMs: options.boundMs ?? boundMs };
      if (stopped) void runStep(step, log);
      else steps.push(step);
    },
    stop() {
      stopping ??= runAll();
      return stopping;
    },
  };
}

async function runStep(step: Step, log: Log): Promise<StopFailure | undefined> {
  // A timer that holds the process: it must not end between two steps because nothing else is going on.
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${step.boundMs} ms`)), step.boundMs);
  });
  try {
    await Promise.race([(async () => step.run())(), overdue]);
    return undefined;
  } catch (error) {
    log.error(`failed to stop ${step.name}: ${messageOf(error)}`, { component: 'lifecycle' });
    return { name: step.name, error };
  } finally {
    clearTimeout(timer);
  }
}
