import { connect } from 'node:net';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { anApi, listen } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';

/** More than the kernel takes of an answer that nobody reads. */
const large = `{"records":["${'x'.repeat(20_000_000)}"],"total":1,"nextCursor":null}`;

/** A client that has asked for a page and does not read it yet. */
async function asked() {
  const { app, audit } = anApi();
  onTestFinished(() => app.close());
  audit.answer(large);
  const client = connect(await listen(app), '127.0.0.1');
  onTestFinished(() => void client.destroy());
  client.write('GET /v1/audit HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => client.once('readable', resolve)); // its first bytes have arrived
  const connections = promisify(app.server.getConnections.bind(app.server));
  return { audit, client, connections };
}

it('gives the memory of a page back when all of it was sent, and not before', async () => {
  const { audit, client } = await asked();
  expect(audit.given.length).toBe(0);
  client.resume();
  await eventually(() => expect(audit.given.length).toBe(1));
  expect(Buffer.from(audit.given[0] ?? []).equals(Buffer.from(large))).toBe(true);
});

it('leaves the memory alone where the client went away meanwhile', async () => {
  const { audit, client, connections } = await asked();
  client.destroy();
  await eventually(async () => expect(await connections()).toBe(0));
  expect(audit.given.length).toBe(0);
});
