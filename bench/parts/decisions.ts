import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startGate, writeFixture } from '../harness/gate.ts';
import { writeKeys } from '../harness/keys.ts';
import type { Part } from '../harness/part.ts';
import type { Owned } from '../harness/process.ts';
import { startProgram } from '../harness/programs.ts';
import { startReference } from '../harness/references.ts';
import type { Result } from '../harness/result.ts';
import { inRounds } from '../harness/rounds.ts';
import { sloId, windows, writeSlos } from '../harness/slos.ts';
import { figureOf } from '../harness/statistics.ts';
import type { Workplace } from '../harness/workplace.ts';
import type { Load, Loaded } from '../programs/load.ts';
import { busyDecisions } from './busy-decisions.ts';

// Rows of the record of decisions are written within a second: that CPU time belongs to the requests before.
const settleMs = 1_500;
const connections = 32;

interface Subject {
  readonly owned: Owned;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Round extends Loaded {
  readonly perCpuSecond: number;
}

/** One SLO, asked by 32 connections as fast as it answers: the cost by a client that never sleeps, the time by one that does. */
export const decisions: Part = async (workplace, scale) => {
  const load = startProgram(workplace, 'load');
  const subjects = await startSubjects(workplace);
  const body = JSON.stringify({ sloID: sloId(0) });
  const amount = scale.pick(30_000, 3_000);

  async function round({ owned, url, headers }: Subject, isAwake: boolean, requests = amount): Promise<Round> {
    const before = owned.cpuMs();
    const job: Load = { url, connections, amount: requests, body, isAwake, ...(headers !== undefined && { headers }) };
    const loaded = await load.ask<Loaded>('load', job);
    await wait(scale.pick(settleMs, 300));
    return { ...loaded, perCpuSecond: requests / ((owned.cpuMs() - before) / 1000) };
  }

  for (const subject of Object.values(subjects)) await round(subject, true, scale.pick(20_000, 2_000));
  const measured = await inRounds(scale.pick(7, 2), {
    http: () => round(subjects.http, true),
    fastify: () => round(subjects.fastify, true),
    fastifyAsleep: () => round(subjects.fastify, false),
    object: () => round(subjects.object, true),
    plain: () => round(subjects.plain, true),
    plainAsleep: () => round(subjects.plain, false),
    keyed: () => round(subjects.keyed, true),
  });
  const { plain, keyed } = subjects;
  for (const { owned } of [plain, keyed]) await owned.stop();
  return [...resultsOf(measured), ...(scale.isQuick ? [] : await busyDecisions(workplace))];
};

async function startSubjects(workplace: Workplace) {
  const sloDir = await writeSlos(workplace, 1, '30s');
  const syntheticFixtures = await writeFixture(workplace.directory, sloId(0), windows);
  const keys = writeKeys(workplace);
  const plain = await startGate(workplace, {
    sloDir,
    syntheticFixtures,
    args: ['--request-log', '/v1/gate/decision=off'],
  });
  const keyed = await startGate(workplace, { sloDir, syntheticFixtures, args: ['--api-keys-file', keys.file] });
  const bodyFile = join(workplace.directory, 'body.json');
  await writeFile(bodyFile, await plain.decide(sloId(0)));
  const decision = '/v1/gate/decision';
  return {
    http: await startReference(workplace, 'bare-http', bodyFile),
    fastify: await startReference(workplace, 'bare-fastify', bodyFile),
    object: await startReference(workplace, 'bare-fastify', bodyFile, 'object'),
    plain: { owned: plain.owned, url: plain.url + decision },
    keyed: { owned: keyed.owned, url: keyed.url + decision, headers: { authorization: `Bearer ${keys.token}` } },
  };
}

type Measured = Readonly<
  Record<'http' | 'fastify' | 'fastifyAsleep' | 'object' | 'plain' | 'plainAsleep' | 'keyed', Round[]>
>;

function resultsOf({ http, fastify, fastifyAsleep, object, plain, plainAsleep, keyed }: Measured): Result[] {
  const perCpuSecond = (rounds: Round[]) => figureOf(rounds.map((round) => round.perCpuSecond));
  const p99 = (rounds: Round[]) => figureOf(rounds.map((round) => round.p99Ms));
  const unit = 'a CPU second';
  const bare = { name: 'bare Fastify', value: perCpuSecond(fastify) };
  return [
    {
      ...{ what: 'decisions, no request log', unit, value: perCpuSecond(plain), reference: bare },
      target: { of: 'ratio', bound: 'at least', limit: 1 },
    },
    {
      ...{ what: 'decisions, API keys and a log line each', unit, value: perCpuSecond(keyed), reference: bare },
      target: { of: 'ratio', bound: 'at least', limit: 0.7 },
    },
    {
      ...{ what: 'decisions, no request log, to a client that sleeps', unit, value: perCpuSecond(plainAsleep) },
      reference: { name: 'bare Fastify to such a client', value: perCpuSecond(fastifyAsleep) },
    },
    { what: 'bare Fastify that makes its answer from an object', unit, value: perCpuSecond(object), reference: bare },
    { what: 'bare node:http', unit, value: perCpuSecond(http), reference: bare },
    {
      ...{ what: `decision p99 at ${connections} connections`, unit: 'ms', value: p99(plainAsleep) },
      reference: { name: 'bare Fastify', value: p99(fastifyAsleep) },
      target: { of: 'ratio', bound: 'at most', limit: 1.2 },
    },
  ];
}
