import { describe, expect, test } from 'vitest';
import type { LiveAnswer, LiveSource } from '../../src/adapter/prometheus/live/source.ts';
import type { FailureReason } from '../../src/eval/measurement.ts';
import { createAsker } from '../../src/cli/live-check-asker.ts';

const answered: LiveAnswer = {
  kind: 'answer',
  values: {},
  warnings: [],
  statistics: { resultType: 'vector', seconds: 0, samples: 0, peakSamples: 0 },
};

function failed(reason: FailureReason): LiveAnswer {
  return {
    kind: 'failed',
    failure: { reason, detail: `${reason} it is`, remedy: 'none', refused: false, asked: true },
  };
}

/** A source that answers as it is told and keeps what it was asked. */
function sourceOf(answer: (promql: string) => LiveAnswer): LiveSource & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  const ask = (promql: string) => {
    asked.push(promql);
    return Promise.resolve(answer(promql));
  };
  return {
    asked,
    askQuery: ask,
    askAll: (expressions) => ask(Object.values(expressions).join()),
    close: () => Promise.resolve(),
  };
}

const running = new AbortController().signal;

describe('what one check asks', () => {
  test('the same query is asked once, whoever asks', async () => {
    const source = sourceOf(() => answered);
    const asker = createAsker(source, 0, running);
    await Promise.all([asker.query('up'), asker.query('up'), asker.all({ now: 'up' })]);
    expect(source.asked).toEqual(['up', 'up']);
  });

  test('ends at 5,000 requests', async () => {
    const source = sourceOf(() => answered);
    const asker = createAsker(source, 0, running);
    for (let index = 0; index < 5_000; index += 1) expect(await asker.query(`up == ${index}`)).toBe(answered);
    expect(asker.ended()).toBeUndefined();
    expect(await asker.query('one more')).toBeUndefined();
    expect(source.asked.length).toBe(5_000);
    expect(asker.ended()).toMatchObject({ cause: 'bound' });
  });

  test('ends when its time is over', async () => {
    const source = sourceOf(() => answered);
    const asker = createAsker(source, 0, AbortSignal.abort());
    expect(await asker.query('up')).toBeUndefined();
    expect(source.asked).toEqual([]);
    expect(asker.ended()).toMatchObject({ cause: 'bound', detail: 'the check takes longer than 5m' });
  });

  test.each<[FailureReason, boolean, boolean]>([
    ['unreachable', true, true],
    ['auth', true, true],
    ['rate-limited', true, true],
    ['server', true, false],
    ['malformed', true, false],
    ['bad-query', false, false],
    ['timeout', false, false],
  ])('%s as the first answer ends it: %s; after an answer: %s', async (reason, first, later) => {
    for (const [before, expected] of [
      [[], first],
      [['up'], later],
    ] as const) {
      const asker = createAsker(
        sourceOf((promql) => (promql === 'up' ? answered : failed(reason))),
        0,
        running,
      );
      for (const query of before) await asker.query(query);
      await asker.query('bad');
      expect(asker.ended()).toEqual(expected ? { cause: 'unusable', detail: `${reason} it is` } : undefined);
    }
  });
});
