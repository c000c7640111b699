import { describe, expect, test } from 'vitest';
import { createLiveSettings, fixedSettings, type LiveSettings } from '../../src/config/live-settings.ts';
import { readSettings } from '../../src/config/read-settings.ts';
import { settings as table } from '../../src/config/table.ts';

/** Settings whose words can be changed, as a configuration file's are. */
function liveSettings(first: readonly string[]): { live: LiveSettings; say: (words: readonly string[]) => void } {
  let words = first;
  const read = () => readSettings(['--slo-dir', 'slos', ...words], {});
  const start = read();
  if (start.kind !== 'settings') throw new Error(JSON.stringify(start));
  return { live: createLiveSettings(start, read), say: (next) => (words = next) };
}

/** Another value than the default for each reloadable setting. */
const others: Readonly<Record<string, string>> = {
  '--log-level': 'debug',
  '--rate-limit': '50',
  '--forced-rate-limit': '0.5',
  '--slow-request': '1s',
  '--request-log': '/v1/gate/decision=off',
  '--shutdown-delay': '7s',
  '--evaluation-timeout': '3s',
  '--audit-retention': '30d',
  '--audit-max-rows': '5000',
  '--audit-max-size': '2GiB',
};

describe('a reload', () => {
  test('takes over every setting that the table calls reloadable', () => {
    const reloadable = table.flatMap(({ flag, reloadable: is }) => (is ? [flag ?? ''] : []));
    expect(Object.keys(others).sort()).toEqual(reloadable.sort());
    const { live, say } = liveSettings([]);
    say(Object.entries(others).flat());
    expect(live.reload()).toEqual({
      kind: 'read',
      changed: expect.arrayContaining(reloadable) as unknown,
      needRestart: [],
    });
    expect(live.current()).toMatchObject({
      logLevel: 'debug',
      rateLimit: 50,
      forcedRateLimit: 0.5,
      slowRequestMs: 1_000,
      requestLog: new Map([['/v1/gate/decision', 'off']]),
      shutdownDelayMs: 7_000,
      evaluationTimeoutMs: 3_000,
      retention: { maxAgeMs: 30 * 86_400_000, maxRows: 5_000, maxBytes: 2 * 2 ** 30 },
    });
    expect(live.reload()).toEqual({ kind: 'read', changed: [], needRestart: [] });
  });

  test('goes back to the default where nobody says a setting any more', () => {
    const { live, say } = liveSettings(['--rate-limit', '50']);
    say([]);
    expect(live.reload()).toMatchObject({ changed: ['--rate-limit'] });
    expect(live.current().rateLimit).toBe(0);
  });

  test('names what needs a restart, at each reload until it is taken back', () => {
    const { live, say } = liveSettings([]);
    say(['--port', '9', '--log-level', 'warn']);
    expect(live.reload()).toEqual({ kind: 'read', changed: ['--log-level'], needRestart: ['--port'] });
    expect(live.reload()).toEqual({ kind: 'read', changed: [], needRestart: ['--port'] });
    say(['--log-level', 'warn']);
    expect(live.reload()).toEqual({ kind: 'read', changed: [], needRestart: [] });
  });

  test('changes nothing where one value is not allowed', () => {
    const { live, say } = liveSettings([]);
    say(['--rate-limit', '50', '--log-level', 'loud']);
    expect(live.reload()).toEqual({
      kind: 'refused',
      message: expect.stringContaining('"loud" is not allowed') as unknown,
    });
    expect(live.current()).toMatchObject({ rateLimit: 0, logLevel: 'info' });
  });

  test('tells its listeners the values as they stand', () => {
    const { live, say } = liveSettings([]);
    const told: string[] = [];
    live.onChange(({ logLevel }) => told.push(logLevel));
    say(['--log-level', 'warn']);
    live.reload();
    live.order({ logLevel: 'error' });
    expect(told).toEqual(['warn', 'error']);
  });
});

describe('an order', () => {
  test('stands until its own setting is changed, not until the next reload', () => {
    const { live, say } = liveSettings(['--rate-limit', '50']);
    live.order({ rateLimit: 5 });
    say(['--rate-limit', '50', '--log-level', 'warn']);
    live.reload();
    expect(live.current()).toMatchObject({ rateLimit: 5, logLevel: 'warn' });
    say(['--rate-limit', '80', '--log-level', 'warn']);
    live.reload();
    expect(live.current().rateLimit).toBe(80);
  });

  test('is taken where nothing can be read again', () => {
    const start = readSettings(['--slo-dir', 'slos'], {});
    if (start.kind !== 'settings') throw new Error(JSON.stringify(start));
    const live = fixedSettings(start.settings);
    live.order({ rateLimit: 5 });
    expect(live.reload()).toEqual({ kind: 'read', changed: [], needRestart: [] });
    expect(live.current().rateLimit).toBe(5);
  });
});
