import { describe, expect, it } from 'vitest';
import { encodeKept } from '../../src/eval/kept-form.ts';
import type { KeptWindows } from '../../src/eval/kept.ts';
import { startTakeOver } from '../../src/scheduler/take-over.ts';
import { noon } from '../support/evaluation.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createWorld } from '../support/scheduler-world.ts';
import { anSlo } from '../support/slo.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const minute = 60_000;
const source = 'prometheus-a';
const slo = anSlo();
const loaded = { slo, specHash: 'spec', sliHash: 'sli', file: 'api.yaml' };
const kept: KeptWindows = {
  asOfMs: noon - minute,
  burnRate: 0.1,
  windows: [{ name: '30d', good: 99, total: 100, readAtMs: noon - minute, untilMs: noon + 14 * minute, moved: 0 }],
  coverage: null,
};
const text = encodeKept(kept, { specHash: 'spec', source });

function takeOverOf(load: () => Promise<ReadonlyMap<string, string>>) {
  const clock = createVirtualClock();
  const log = createRecordingLog();
  return { clock, log, taken: startTakeOver({ stored: { load }, source, clock, log }) };
}
const storing = (stored: string) => takeOverOf(() => Promise.resolve(new Map([[slo.id, stored]]))).taken;

describe('what a server takes over of the one before', () => {
  it('is what was kept, once', async () => {
    const taken = storing(text);
    expect(await taken(loaded)).toEqual(kept);
    expect(await taken(loaded)).toBeNull();
  });

  it.each([
    ['an SLO that has changed', text.replace('"spec"', '"spec" ').replace(':"spec"', ':"spec2"')],
    ['another source', text.replace(source, 'prometheus-b')],
    ['another form', text.replace('"v":1', '"v":2')],
    ['no JSON', text.slice(0, -1)],
    ['a negative count', text.replace(',99,', ',-99,')],
    ['a total of 0', text.replace(',100,', ',0,')],
    ['a text for a number', text.replace(',100,', ',"100",')],
    ['an empty text', ''],
  ])('is nothing of %s', async (_, stored) => {
    expect(stored).not.toBe(text);
    expect(await storing(stored)(loaded)).toBeNull();
  });

  it('is waited for no longer than half a second', async () => {
    const { clock, taken } = takeOverOf(() => new Promise(() => undefined));
    let isTaken = false;
    const taking = taken(loaded).then((found) => {
      isTaken = true;
      return found;
    });
    await clock.advance(499);
    expect(isTaken).toBe(false);
    await clock.advance(1);
    expect(await taking).toBeNull();
  });

  it('is nothing where the database cannot be read, and that is said', async () => {
    const { taken, log } = takeOverOf(() => Promise.reject(new Error('database is locked')));
    expect(await taken(loaded)).toBeNull();
    expect(log.lines.map(({ message }) => message).join()).toContain('database is locked');
  });
});

describe('the scheduler', () => {
  const stored = { ...kept, windows: [{ ...kept.windows[0]!, readAtMs: noon - minute }] };
  const world = () => createWorld([slo], { mode: 'manual', taken: () => Promise.resolve(stored) });

  it('hands what was taken over to the first evaluation, and what that has kept to the next', async () => {
    const { clock, source: asked, scheduler } = world();
    await clock.settle();
    const [first] = asked.asked;
    expect(first?.request.kept).toEqual(stored);
    first?.answer();
    await clock.settle();
    const next = scheduler.current(slo.id)?.evaluation.kept;
    expect(next?.asOfMs).toBe(noon);
    await clock.advance(5 * minute);
    expect(asked.asked[1]?.request.kept).toBe(next);
  });

  it('hands nothing to a forced evaluation', async () => {
    const { clock, source: asked, scheduler } = world();
    await clock.settle();
    asked.asked[0]?.answer();
    void scheduler.evaluateNow(slo.id, 'forced');
    await clock.settle();
    expect(asked.asked[1]?.request).toMatchObject({ priority: 'urgent', kept: null });
  });

  it('makes two evaluations at most of a thousand forced decisions at once', async () => {
    const { clock, source: asked, scheduler } = world();
    await clock.settle();
    const all = Array.from({ length: 1_000 }, () => scheduler.evaluateNow(slo.id, 'forced'));
    await clock.settle();
    for (const one of asked.asked) one.answer();
    const served = await Promise.all(all);
    expect(new Set(served.map((one) => one?.evaluation.id)).size).toBe(1);
    expect(asked.asked.length).toBeLessThanOrEqual(2);
  });
});
