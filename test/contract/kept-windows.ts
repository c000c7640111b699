import { describe, expect, it } from 'vitest';
import { encodeKept, parseKept } from '../../src/eval/kept-form.ts';
import type { KeptWindows } from '../../src/eval/kept.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import { makeEvaluation } from '../storage/make-evaluation.ts';
import { anSlo } from '../support/slo.ts';
import type { StorageEngine } from './evaluation-log.ts';

const source = 'of-the-tests';

/** How an engine under test is told to write what evaluations keep. */
export const keptOf = ({ kept, specHash }: Evaluation) => kept && encodeKept(kept, { specHash, source });

const atMs = Date.UTC(2026, 10, 20, 12);
const kept = (good: number): KeptWindows => ({
  asOfMs: atMs,
  burnRate: 0.1,
  windows: [{ name: '30d', good, total: 100, readAtMs: atMs - 1_000, untilMs: atMs + 1_000, moved: 1e-7 }],
  coverage: { value: 0.5, ofYoung: true, readAtMs: atMs, untilMs: atMs + 1 },
});

/** What every engine's `KeptWindowsReader` has to do. */
export function keptWindowsContract(name: string, open: () => Promise<StorageEngine>): void {
  describe(`KeptWindowsReader: ${name}`, () => {
    const evaluationOf = (id: string, keeps: KeptWindows | null, specHash = 'hash') => ({
      ...makeEvaluation({ slo: anSlo({ id }), specHash }),
      kept: keeps,
    });
    const parsed = async ({ keptWindows }: StorageEngine, specHash = 'hash') =>
      new Map([...(await keptWindows.load())].map(([id, text]) => [id, parseKept(text, { specHash, source })]));

    it('gives what the latest evaluation of each SLO has kept, over a restart', async () => {
      const engine = await open();
      await engine.log.append(evaluationOf('a', kept(90)));
      await engine.log.append(evaluationOf('a', kept(91)));
      await engine.log.append(evaluationOf('b', kept(92)));
      await engine.log.append(evaluationOf('nothing', null));
      const expected = new Map([
        ['a', kept(91)],
        ['b', kept(92)],
      ]);
      expect(await parsed(engine)).toEqual(expected);
      expect(await parsed(await engine.reopen())).toEqual(expected);
    });

    it('forgets with the evaluation that kept nothing, and with the SLO', async () => {
      const engine = await open();
      await engine.log.append(evaluationOf('a', kept(90)));
      await engine.log.append(evaluationOf('a', null));
      await engine.log.append(evaluationOf('gone', kept(90)));
      engine.log.define([{ slo: anSlo({ id: 'a' }), specHash: 'hash' }]);
      await engine.log.append(evaluationOf('a', null));
      expect(await parsed(engine)).toEqual(new Map());
    });
  });
}
