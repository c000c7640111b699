import { expect, it } from 'vitest';
import { spreadOf } from '../../src/slo/hash.ts';
import { aegis } from '../cli/aegis.ts';
import { eventually } from '../support/eventually.ts';
import { describeBehindProxy } from '../support/gate-behind-proxy.ts';
import { scenarioSlo } from '../support/scenario-slo.ts';

const rules = [
  { name: 'fast', shortWindow: '5m', longWindow: '30m', threshold: 14 },
  { name: 'slow', shortWindow: '30m', longWindow: '3d', threshold: 6 },
];

describeBehindProxy('a server that leans on long windows', ({ proxy, start }) => {
  /** A healthy service of an id whose month is kept for minutes from the first time. */
  const id = Array.from({ length: 50 }, (_, index) => `calm-${index}`).find((one) => spreadOf(one) > 0.8) ?? '';
  const calm = { ...scenarioSlo('healthy', { interval: '1s', rules }), metadata: { id, service: 'shop' } };
  const queries = () => proxy().seen.map(({ parameters }) => parameters.get('query') ?? '');
  const ofMonth = () => queries().filter((query) => query.includes('[30d]'));

  it('asks once an evaluation, for the month once, and says so; a restart after a kill goes on with that', async () => {
    const server = await start([calm]);
    await eventually(() => {
      expect(proxy().seen.length).toBeGreaterThan(6);
      return Promise.resolve();
    }, 60_000);
    expect(ofMonth().length).toBe(1);
    const [untilMs, requests] = [Date.now(), proxy().seen.length];
    const evaluatedAtMs = () =>
      server.lines().flatMap(({ message, timestamp }) => {
        return String(message).startsWith('Evaluated SLO') ? [Date.parse(String(timestamp))] : [];
      });
    // Lines are written in their order, and not at once.
    await eventually(() => expect(evaluatedAtMs().at(-1)).toBeGreaterThan(untilMs));
    expect(evaluatedAtMs().filter((ms) => ms <= untilMs).length).toBeGreaterThanOrEqual(requests - 1);

    const explained = await aegis(['explain', '--slo', id, '--server', server.url, '--format', 'text']);
    expect(explained.out).toMatch(/30d .*read at 20.*Z \(kept, \d+s old\)/);
    const { evaluationID } = await server.decide(id);
    await eventually(async () => {
      const replayed = await aegis([
        'replay',
        '--evaluation',
        evaluationID,
        '--server',
        server.url,
        '--format',
        'text',
      ]);
      expect(replayed.out).toContain('same');
    }, 20_000);

    await server.kill();
    proxy().forget();
    await server.start();
    await server.decide(id);
    expect(ofMonth()).toEqual([]);
    expect(queries().length).toBeGreaterThan(0);

    proxy().forget();
    const forced = await server.decide(id, true);
    expect(forced.decision).toBe('ALLOW');
    expect(ofMonth().length).toBeGreaterThan(0);
  });

  it('blocks by a kept window as a forced evaluation does', async () => {
    const burning = scenarioSlo('slow-burn', {
      interval: '1s',
      rules: [{ name: 'slow', shortWindow: '30m', longWindow: '4h', threshold: 7 }],
    });
    const gate = await start([burning]);
    const usual = await gate.waitFor('slow-burn', 'BLOCK', 30_000);
    const forced = await gate.decide('slow-burn', true);
    expect(forced.reasonCodes).toEqual(usual.reasonCodes);
    expect(forced.decision).toBe('BLOCK');
  });
});
