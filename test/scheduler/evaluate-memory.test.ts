import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { MetricsAdapter } from '../../src/eval/measurement.ts';
import { startEvaluation } from '../../src/scheduler/evaluate.ts';
import { createQueue } from '../../src/scheduler/queue.ts';
import { aMeasurement } from '../support/evaluation.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { anSlo } from '../support/slo.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('an evaluation that is done leaves nothing behind', async () => {
  const slo = anSlo();
  const signals: WeakRef<AbortSignal>[] = [];
  const adapter: MetricsAdapter = {
    name: 'prometheus',
    measure({ evaluatedAtMs }, signal) {
      signals.push(new WeakRef(signal));
      return Promise.resolve(aMeasurement(slo, {}, { evaluatedAtMs }));
    },
  };
  const taken = () => Promise.resolve(null);
  const deps = { adapter, queue: createQueue(10), clock: systemClock, log: createRecordingLog(), taken };
  const loaded = { slo, specHash: '', sliHash: '', file: 'api.yaml' };
  for (let times = 0; times < 100; times++) {
    const cancel = new AbortController();
    const request = { loaded, isForced: false, deadlineMs: 60_000, latest: () => undefined, cancel: cancel.signal };
    await startEvaluation(deps, { ...request, priority: times % 2 === 0 ? 'urgent' : 'scheduled' }).done;
  }
  for (let rounds = 0; rounds < 3; rounds++) {
    await setImmediate();
    collectGarbage();
  }
  expect(signals).toHaveLength(100);
  expect(signals.filter((signal) => signal.deref() !== undefined).length).toBeLessThan(10);
});
