import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { firstAnswer } from '../harness/first-answer.ts';
import { launchGate } from '../harness/gate.ts';
import type { Part } from '../harness/part.ts';
import { launchReference } from '../harness/references.ts';
import { inRounds } from '../harness/rounds.ts';
import { sloId, writeSlos } from '../harness/slos.ts';
import { figureOf } from '../harness/statistics.ts';
import { startStubSource } from '../harness/stub.ts';

/** From the start of a process to its first answer, asked from the beginning. */
export const startup: Part = async (workplace, scale) => {
  const prometheusUrl = await startStubSource(workplace);
  const bodyFile = join(workplace.directory, 'body.json');
  await writeFile(bodyFile, '{"decision":"ALLOW"}');

  async function ofGate(sloDir: string, asked: number) {
    const gate = await launchGate(workplace, { sloDir, prometheusUrl });
    const { acceptedMs, answeredMs } = await firstAnswer(gate.port, sloId(asked));
    await gate.stop();
    return { toAnswerMs: answeredMs - gate.startedMs, afterListeningMs: answeredMs - acceptedMs };
  }
  async function ofFastify() {
    const startedMs = performance.now();
    const reference = await launchReference(workplace, 'bare-fastify', bodyFile);
    const { answeredMs } = await firstAnswer(reference.port, 'any');
    await reference.owned.stop();
    return answeredMs - startedMs;
  }

  const hundred = await writeSlos(workplace, 100, '60s');
  const thousand = await writeSlos(workplace, 1_000, '60s');
  const subjects = {
    fastify: ofFastify,
    // The last of them, which is not the first that would be evaluated.
    hundred: async () => (await ofGate(hundred, 99)).toAnswerMs,
    thousand: async () => (await ofGate(thousand, 999)).afterListeningMs,
  };
  await subjects.hundred(); // so that the files have been read once from the disk
  const measured = await inRounds(scale.pick(9, 2), subjects);
  return [
    {
      ...{
        what: 'start to first decision, 100 SLOs, one asked at once',
        unit: 'ms',
        value: figureOf(measured.hundred),
      },
      reference: { name: 'bare Fastify to its first answer', value: figureOf(measured.fastify) },
      target: { of: 'ratio', bound: 'at most', limit: 2 },
    },
    {
      ...{ what: 'start with 1,000 SLOs: an asked one is decided', unit: 'ms after listening' },
      ...{ value: figureOf(measured.thousand), target: { of: 'value', bound: 'at most', limit: 300 } },
    },
  ];
};
