import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { describeBehindProxy } from '../support/gate-behind-proxy.ts';
import { sloDocument } from '../support/slo.ts';

const concurrency = 10; // the default of --prometheus-concurrency
const ids = Array.from({ length: 1_000 }, (_, index) => `service-${String(index).padStart(4, '0')}`);

describeBehindProxy('a server of a thousand SLOs', ({ proxy, start }) => {
  /** Each asks for the same healthy service, in words of its own. */
  const slos = ids.map((id) => {
    const selector = `scenario="healthy",job!="${id}"`;
    return sloDocument({
      ...{ id, interval: '1m' },
      good: `sum(rate(http_requests_total{${selector},status!~"5.."}[{{window}}]))`,
      total: `sum(rate(http_requests_total{${selector}}[{{window}}]))`,
    });
  });
  const askedFor = (id: string, from = 0) =>
    proxy().seen.findIndex(({ parameters }, index) => index >= from && parameters.get('query')?.includes(`"${id}"`));

  it('decides what is asked before the rest of its start, and what is forced too, and loses no row', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await proxy().set('slow', { until: released, delayMs: 10 });
    const gate = await start(slos);
    await eventually(() => expect(proxy().seen.length).toBe(concurrency));

    // All places are taken by evaluations that nobody waits for, and 990 wait for a place.
    const asked = ids.findLast((id) => askedFor(id) < 0) ?? '';
    const first = gate.decide(asked);
    await gate.get('/healthz');
    release();
    expect((await first).decision).toBe('ALLOW');
    expect(askedFor(asked)).toBeLessThan(10 * concurrency);

    const before = proxy().seen.length;
    expect(before).toBeLessThan(ids.length / 2);
    expect((await gate.decide(ids[0] ?? '', true)).decision).toBe('ALLOW');
    expect(askedFor(ids[0] ?? '', before) - before).toBeLessThan(10 * concurrency);

    await proxy().set('pass');
    await eventually(() => {
      const [distinct] = gate.sql('SELECT count(DISTINCT slo_id) FROM evaluations');
      expect(distinct).toBe('1000');
    }, 60_000);
    expect(gate.sql('SELECT DISTINCT decision FROM evaluations')).toEqual(['ALLOW']);
    await eventually(async () => {
      expect((await gate.get('/v1/audit/decisions')).body).toMatchObject({ total: 2 });
    });
  });
});
