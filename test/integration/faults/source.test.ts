import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { describeWithPrometheus } from '../../support/prometheus.ts';
import {
  isExpected,
  lateAllows,
  lateRecovery,
  peakMemory,
  requestsOf,
  settled,
  storms,
  unprovenAllows,
  wronglyHeld,
} from './claims.ts';
import { storyOf, untilSeen, untilWell, wellAnswers, type Episode } from './episode.ts';
import { expectOnPage, type PageRow } from './page.ts';
import { healths, idOf, type Health } from './service.ts';
import { sourceSteps, type SourceRow } from './source-rows.ts';
import { intervalMs, nameIn, services, startSourceWorld, type SourceWorld } from './source-world.ts';
import { watch, type Watch } from './watch.ts';

const boundMs = 2 * intervalMs;
const idsIn = (gate: 'living' | 'fresh', of: readonly SourceRow['service'][]) =>
  of.flatMap((service) => healths.map((health) => idOf(nameIn(gate, service), health)));

interface Lived extends Episode {
  /** The beginning of the healthy life before the fault. */
  readonly sinceMs: number;
}

/** The source as a whole, or its data: a gate lives through it, another is started in the midst of it. */
describeWithPrometheus('a source, or its data, that goes away', () => {
  let world: SourceWorld;
  let watched: Watch;
  const page: PageRow[] = [];

  beforeAll(async () => {
    world = await startSourceWorld();
    closing.push(() => world.close());
    await world.living.start();
    watched = watch(world.living, idsIn('living', services));
  });
  afterEach(() => world.fresh.stop());
  const closing: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  const steps = sourceSteps.map((rows) => ({ titles: rows.map(({ title }) => title).join(', '), rows }));
  it.each(steps)('$titles', { timeout: 500_000 }, async ({ rows }) => {
    const { living, fresh, watchedFresh } = await livedThrough(rows);
    for (const row of rows) {
      page.push({ title: row.title, ...(await check(row, 'living', watched, living)), end: row.recovery });
      await check(row, 'fresh', watchedFresh, fresh);
    }
    for (const gate of ['living', 'fresh'] as const) {
      const ids = idsIn(gate, services);
      expect(storms(requestsOf(world.proxy.seen, ids), ids.length, intervalMs)).toEqual([]);
      expect(peakMemory(world[gate])).toBeLessThan(300);
    }
  });

  /** From a healthy life to a healthy life: of the gate that goes on, and of the one that is started in the fault. */
  async function livedThrough(rows: readonly SourceRow[]) {
    const of = rows.map(({ service }) => service);
    const [livingIds, freshIds] = [idsIn('living', of), idsIn('fresh', of)];
    const sinceMs = Date.now();
    await untilWell(watched, livingIds, sinceMs);
    for (const row of rows) await row.begin(world);
    const beganAtMs = Date.now() + Math.max(...rows.map((row) => row.graceMs));
    await untilSeen(watched, livingIds, beganAtMs);

    await world.fresh.start();
    const startedAtMs = Date.now();
    const watchedFresh = watch(world.fresh, freshIds);
    await untilSeen(watched, livingIds, beganAtMs + boundMs);
    await untilSeen(watchedFresh, freshIds, Math.max(beganAtMs + boundMs, startedAtMs));
    await Promise.all(rows.map(untilTold));
    const endedAtMs = Date.now();
    const wellFromMs = Math.max(...(await Promise.all(rows.map((row) => row.end(world)))));
    await untilWell(watched, livingIds, wellFromMs);
    await untilWell(watchedFresh, freshIds, wellFromMs);
    await watchedFresh.stop();
    return {
      living: { sinceMs, beganAtMs, endedAtMs, wellFromMs },
      // What a gate says that was started in a fault needs no time to come true.
      fresh: { sinceMs, beganAtMs: startedAtMs - boundMs, endedAtMs, wellFromMs },
      watchedFresh,
    };
  }

  /** Waits until the gate that lives on tells what it tells for as long as the fault lasts. */
  function untilTold({ service, cause }: SourceRow): Promise<void> {
    return eventually(() => {
      const reasons = watched
        .of(idOf(nameIn('living', service), 'healthy'))
        .at(-1)
        ?.answer.reasons.join('; ');
      if (reasons?.includes(cause) !== true) throw new Error(`still told: ${reasons ?? 'nothing'}`);
    });
  }

  /** Of one gate; returns what its clients were told in the end. */
  async function check(row: SourceRow, which: 'living' | 'fresh', watchedGate: Watch, episode: Lived) {
    const idWith = (health: Health) => idOf(nameIn(which, row.service), health);
    const [healthy, burning] = await Promise.all([
      storyOf(world[which], watchedGate, idWith('healthy'), episode.sinceMs),
      storyOf(world[which], watchedGate, idWith('burning'), episode.sinceMs),
    ]);
    expect(unprovenAllows(healthy, requestsOf(world.proxy.seen, [idWith('healthy')]), boundMs)).toEqual([]);
    expect(lateAllows(healthy, episode, boundMs)).toEqual([]);
    expect(wronglyHeld(burning, boundMs)).toEqual([]);
    expect(lateRecovery(healthy, episode.wellFromMs, wellAnswers.healthy)).toEqual([]);
    expect(lateRecovery(burning, episode.wellFromMs, wellAnswers.burning)).toEqual([]);
    const told = {
      healthy: settled(healthy, episode, boundMs, isExpected(row).healthy),
      burning: settled(burning, episode, boundMs, isExpected(row).burning),
    };
    expect(told.healthy.reasonCodes).toContain(row.code);
    const reasons = told.healthy.reasons.join('; ');
    const isKnown =
      reasons.includes(row.cause) || (which === 'fresh' && reasons.includes(row.causeAtFirst ?? row.cause));
    expect(isKnown, reasons).toBe(true);
    expect(told.burning.decision).toBe(row.measured ? 'BLOCK' : 'WARN');
    return told;
  }

  it('leaves no question without an answer', () => watched.stop());

  it('docs/faults.md says so', async () => {
    await expectOnPage('source', page);
  });
});
