import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { openShell } from '../../support/sqlite3-session.ts';
import type { World } from './world.ts';

/** How a procedure is tested: what it is about is made before its commands run. */
export interface Scenario {
  readonly arrange?: (world: World) => Promise<void>;
  /** What has to hold after the commands, beyond what the page prints. */
  readonly after?: (world: World) => Promise<void>;
}

const asItStands: Scenario = {};

/** Puts a word of a file of `etc` in the place of another. */
async function edit({ variables }: World, file: string, from: string, to: string): Promise<void> {
  const path = join(variables.AEGIS_ETC, file);
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replaceAll(from, to));
}

const isComponent = (world: World, component: string, status: string) =>
  eventually(async () => {
    const health = await world.ask('/healthz/comprehensive');
    expect(health).toMatchObject({ components: { [component]: { status } } });
  });

/** Dead for so many questions that the circuit is open. */
async function prometheusDown(world: World): Promise<void> {
  await world.prometheus.kill();
  await eventually(async () => {
    await world.decides('api-availability', 'WARN');
    const { components } = (await world.ask('/healthz/comprehensive')) as { components: { prometheus: object } };
    expect(components.prometheus).toMatchObject({ details: { circuitBreaker: 'open' } });
  });
}

/** By heading, in the order of the page: its first procedures install the server that the others find. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  Prerequisites: asItStands,
  'Production deployment': {
    async after(world) {
      await world.writeSlo('checkout', { id: 'checkout-availability', service: 'checkout' });
      await world.remember();
    },
  },
  'Service health': asItStands,
  'Service readiness': asItStands,
  'Gate decision distribution': asItStands,
  'Evaluation latency': asItStands,
  'Database size': asItStands,
  'No SLOs loaded, readiness fails': {
    async arrange(world) {
      await world.service.stop();
      await edit(world, 'slos/api-availability.yaml', 'objective: 0.995', 'objective: 99.5');
      await rm(join(world.variables.AEGIS_ETC, 'slos/checkout-availability.yaml'));
      await world.service.start();
      await world.up();
    },
  },
  'Queries fail': {
    async arrange(world) {
      await prometheusDown(world);
    },
    after: ({ prometheus }) => prometheus.restart(),
  },
  'Database locked, rows are not written': {
    async arrange(world) {
      const operator = openShell(world.variables.AEGIS_DB);
      await operator.run('BEGIN EXCLUSIVE;');
      expect(await world.ask('/v1/gate/decision', { sloID: 'api-availability', forceFresh: true })).toMatchObject({
        decision: 'ALLOW',
        audited: false,
      });
      await isComponent(world, 'database', 'degraded');
    },
  },
};
