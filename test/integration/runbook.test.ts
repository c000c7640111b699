import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/running.ts';
import { isExecuted, isForPeople, readPage } from '../support/runbook-page.ts';
import { lacks } from '../support/services.ts';
import { scenarios } from './runbook/scenarios.ts';
import { paste } from './runbook/shell.ts';
import { createWorld, type World } from './runbook/world.ts';

const page = readPage(readFileSync(join(root, 'docs/runbook.md'), 'utf8'));
const counterparts = JSON.parse(readFileSync(join(root, 'test/data/runbook/counterparts.json'), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;
const variables = page.find(({ heading }) => heading === 'Variables');
const procedures = page.filter(({ heading, blocks }) => blocks.some(isExecuted) && heading !== variables?.heading);
const notRun = page.find(({ heading }) => heading === 'Commands that no test runs');

describe('docs/runbook.md', () => {
  it('has a scenario for each procedure, and no scenario without one', () => {
    expect(procedures.map(({ heading }) => heading)).toEqual(Object.keys(scenarios));
  });

  it('has a counterpart for each heading of the runbooks before it', () => {
    const named = Object.values(counterparts).flatMap((headings) => Object.values(headings).flat());
    const ours = page.map(({ heading }) => heading);
    expect(named.filter((heading) => !ours.includes(heading))).toEqual([]);
  });

  it('names what is in the manifests where it calls kubectl', () => {
    const commands = page.flatMap(({ blocks }) => blocks.filter(isForPeople)).map(({ text }) => text);
    const named = [...commands.join('').matchAll(/kubectl -n (\S+) .*?(deployment)\/(\S+)/g)];
    expect(named.length).toBeGreaterThan(0);
    const manifests = readFileSync(join(root, 'examples/kubernetes/deployment.yaml'), 'utf8');
    for (const [, namespace, , name] of named) {
      expect(manifests).toMatch(
        new RegExp(`kind: Deployment\\nmetadata:\\n  name: ${name}\\n  namespace: ${namespace}\\n`),
      );
    }
  });

  it('lists what no test runs', () => {
    const listed = [...(notRun?.text ?? '').matchAll(/^\| (?!procedure|-)(.*?) *\|/gm)].map((match) => match[1]);
    expect(listed).toEqual(page.filter(({ blocks }) => blocks.some(isForPeople)).map(({ heading }) => heading));
  });
});

describe.skipIf(lacks('prometheus', 'promtool', 'sqlite3', 'jq', 'curl', 'wget', 'lsof'))('the procedure', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  it('of the variables sets all that the others use', () => {
    const set = variables?.blocks[0]?.text.matchAll(/^export (\w+)=/gm) ?? [];
    expect([...set].map((match) => match[1])).toEqual([...Object.keys(world.variables), 'AEGIS_TOKEN']);
  });

  it.for(procedures)('$heading', async (procedure, { skip }) => {
    const { arrange, after, env, isPossible } = scenarios[procedure.heading] ?? {};
    if ((await isPossible?.()) === false) return skip('not allowed here');
    await arrange?.(world);
    const shell = { ...(await world.env()), ...env?.(world) };
    const pasted = paste(procedure, await mkdtemp(join(world.directory, 'pasted-')), shell);
    await Promise.allSettled([pasted]);
    try {
      await after?.(world);
      await world.heal();
    } finally {
      // What went wrong in the procedure says more than what followed from it.
      await pasted;
    }
  });
});
