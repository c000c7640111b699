import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { anApi, listen } from '../support/api.ts';
import { createAuthority } from '../support/authority.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';

/** More than the kernel takes of an answer that nobody reads. */
const large = `{"records":["${'x'.repeat(20_000_000)}"],"total":1,"nextCursor":null}`;

function overTls() {
  const { cert, key } = createAuthority(scratch()).issue('aegis');
  return {
    certificates: { current: () => ({ cert, key }), isMutual: false, onChange: () => undefined },
    connect: (port: number): Socket => connectSecurely({ host: '127.0.0.1', port, rejectUnauthorized: false }),
  };
}

const overTcp = () => ({ certificates: undefined, connect: (port: number): Socket => connect(port, '127.0.0.1') });

describe.each([
  ['TCP', overTcp],
  ['TLS', overTls],
])('a page over %s', (_name, transport) => {
  /** A client that has asked for a page and does not read it yet. */
  async function asked() {
    const { certificates, connect } = transport();
    const rates = () => ({ rateLimit: 0, forcedRateLimit: 0 });
    const { app, audit } = anApi({
      deps: { edge: { maxConnections: 8192, trustedProxies: [], rates, certificates } },
    });
    onTestFinished(() => app.close());
    audit.answer(large);
    const client = connect(await listen(app));
    onTestFinished(() => void client.destroy());
    client.write('GET /v1/audit HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => client.once('readable', resolve)); // its first bytes have arrived
    const connections = promisify(app.server.getConnections.bind(app.server));
    return { audit, client, connections };
  }

  it('gives its memory back when all of it was sent, and not before', async () => {
    const { audit, client } = await asked();
    expect(audit.givenBack()).toBe(0);
    const received: Buffer[] = [];
    for await (const chunk of client) received.push(chunk as Buffer);
    await eventually(() => expect(audit.givenBack()).toBe(1));
    expect(Buffer.concat(received).subarray(-large.length).equals(Buffer.from(large))).toBe(true);
  });

  it('leaves its memory alone where the client went away meanwhile', async () => {
    const { audit, client, connections } = await asked();
    client.destroy();
    await eventually(async () => expect(await connections()).toBe(0));
    expect(audit.givenBack()).toBe(0);
  });
});
