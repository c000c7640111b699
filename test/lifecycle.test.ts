import { describe, expect, test } from 'vitest';
import { createLifecycle } from '../src/lifecycle.ts';
import type { Log } from '../src/log.ts';

function recording() {
  const errors: string[] = [];
  const nothing = () => undefined;
  const error = (message: string) => errors.push(message);
  const log: Log = { writes: () => true, debug: nothing, info: nothing, warn: nothing, error };
  return { log, errors };
}

describe('stopping', () => {
  test('what was acquired last goes first, one after the other', async () => {
    const done: string[] = [];
    const lifecycle = createLifecycle(recording().log);
    lifecycle.onStop('database', () => void done.push('database'));
    lifecycle.onStop('scheduler', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push('scheduler');
    });
    lifecycle.onStop('server', () => void done.push('server'));
    expect(await lifecycle.stop()).toEqual([]);
    expect(done).toEqual(['server', 'scheduler', 'database']);
  });

  test('every error is logged and given, and keeps no other step from running', async () => {
    const { log, errors } = recording();
    const lifecycle = createLifecycle(log);
    let ran = false;
    lifecycle.onStop('first', () => void (ran = true));
    lifecycle.onStop('rejects', () => Promise.reject(new Error('no')));
    lifecycle.onStop('throws', () => {
      throw new Error('never');
    });
    const failures = await lifecycle.stop();
    expect(failures.map(({ name }) => name)).toEqual(['throws', 'rejects']);
    expect(errors).toEqual(['failed to stop throws: never', 'failed to stop rejects: no']);
    expect(ran).toBe(true);
  });

  test('a step that does not end is left behind after its bound', async () => {
    const { log, errors } = recording();
    const lifecycle = createLifecycle(log, { boundMs: 60_000 });
    let ran = false;
    lifecycle.onStop('after', () => void (ran = true));
    lifecycle.onStop('hangs', () => new Promise<void>(() => undefined), { boundMs: 20 });
    expect(await lifecycle.stop()).toMatchObject([{ name: 'hangs' }]);
    expect(errors).toEqual(['failed to stop hangs: not done after 20 ms']);
    expect(ran).toBe(true);
  });

  test('asked twice, it stops once', async () => {
    const lifecycle = createLifecycle(recording().log);
    let count = 0;
    lifecycle.onStop('once', () => void (count += 1));
    const first = lifecycle.stop();
    expect(lifecycle.stop()).toBe(first);
    await first;
    expect(lifecycle.stop()).toBe(first);
    expect(count).toBe(1);
  });

  test('what a start acquires while the stop is under way, or after it, is let go', async () => {
    const done: string[] = [];
    const lifecycle = createLifecycle(recording().log);
    lifecycle.onStop('early', () => void done.push('early'));
    lifecycle.onStop('during', () => lifecycle.onStop('late', () => void done.push('late')));
    await lifecycle.stop();
    expect(done).toEqual(['late', 'early']);
    lifecycle.onStop('after', () => void done.push('after'));
    expect(done).toEqual(['late', 'early', 'after']);
  });
});
