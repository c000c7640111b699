import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

describe('SIGHUP', () => {
  let gate: GateServer;
  beforeAll(async () => {
    gate = await createGate({
      slos: [sloDocument()],
      fixtures: { 'api-availability': fixture },
      args: ['--config', 'aegis.yaml'],
    });
    configure('log-level: warn\n');
    await gate.start();
    await gate.waitFor('api-availability', 'ALLOW');
  });
  afterAll(() => gate.remove());

  function configure(text: string): void {
    writeFileSync(join(gate.directory, 'aegis.yaml'), text);
  }

  async function reloadWith(text: string, pattern: RegExp): Promise<void> {
    configure(text);
    gate.process().kill('SIGHUP');
    await eventually(() => expect(gate.log()).toMatch(pattern));
  }

  it('takes over what can change, and names what needs a restart', async () => {
    expect(gate.log()).not.toContain('"message":"request"');
    await reloadWith(
      'log-level: info\nrate-limit: 1000\nmax-connections: 9\n',
      /settings reloaded: --rate-limit, --log-level/,
    );
    expect(gate.log()).toContain('settings changed that need a restart: --max-connections');
    await gate.decide('api-availability');
    await eventually(() => expect(gate.log()).toContain('"message":"request"'));
  });

  it('keeps every setting where one is not allowed, and says which', async () => {
    await reloadWith('log-level: loud\nrate-limit: 5\n', /settings not reloaded, all stay.*loud/);
    expect((await gate.decide('api-availability')).decision).toBe('ALLOW');
    await reloadWith('- no map\n', /settings not reloaded, all stay.*a map of settings/);
    expect((await gate.decide('api-availability')).decision).toBe('ALLOW');
    // As it was before the mistakes.
    await reloadWith('log-level: info\nrate-limit: 1000\nmax-connections: 8192\n', /settings reloaded: as before/);
  });
});
