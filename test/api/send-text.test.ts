import { afterEach, describe, expect, it } from 'vitest';
import { anApi, listen, rawClient, type TestApi } from '../support/api.ts';
import { anEvaluation } from '../support/evaluation.ts';
import { eventually } from '../support/eventually.ts';
import { anSlo } from '../support/slo.ts';

let api: TestApi | undefined;
afterEach(async () => {
  await api?.app.close();
  api = undefined;
});

interface Raw {
  readonly statusLine: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

async function send(app: TestApi['app'], head: string, body = ''): Promise<Raw> {
  const client = await rawClient(await portOf(app));
  client.write(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
  const text = await client.closed;
  const [top = '', rest = ''] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = top.split('\r\n');
  const headers = lines.map((line): [string, string] => [line.split(': ')[0] ?? '', line.split(': ')[1] ?? '']);
  return { statusLine, headers, body: rest };
}

let port: number | undefined;
async function portOf(app: TestApi['app']): Promise<number> {
  return (port ??= await listen(app));
}
afterEach(() => (port = undefined));

const post = 'POST /v1/gate/decision HTTP/1.1\r\nhost: a\r\nx-request-id: deploy-42';

describe('an answer that is sent as text', () => {
  it('has the status line and the headers of any other answer, in their order', async () => {
    api = anApi();
    const decision = await send(api.app, post, '{"sloID":"api-availability"}');
    const other = await send(api.app, 'GET /v1/slo HTTP/1.1\r\nhost: a\r\nx-request-id: deploy-42');
    const comparable = ({ headers }: Raw) =>
      headers.map(([name, value]) => (/^(content-length|date)$/i.test(name) ? name : `${name}: ${value}`));
    expect(decision.statusLine).toBe(other.statusLine);
    expect(comparable(decision)).toEqual(comparable(other));
    expect(comparable(decision)).toContain('x-request-id: deploy-42');
  });

  it.each(['ASCII alone', 'Größe, 尺寸 and 🚦'])('says how many bytes it has: %s', async (note) => {
    const slo = anSlo();
    api = anApi({ slos: [slo] });
    const evaluation = anEvaluation({ slo });
    api.decisions.set({ ...evaluation, result: { ...evaluation.result, notes: [note] } });
    const { headers, body } = await send(api.app, post, '{"sloID":"api-availability"}');
    expect(Object.fromEntries(headers)['content-length']).toBe(String(Buffer.byteLength(body)));
    expect(JSON.parse(body)).toMatchObject({ decision: 'ALLOW', notes: [note] });
  });

  it('ends the connection of a client of HTTP/1.0, and any while the server stops', async () => {
    api = anApi();
    const port = await portOf(api.app);
    const old = await rawClient(port);
    old.write('POST /v1/gate/decision HTTP/1.0\r\ncontent-length: 28\r\n\r\n{"sloID":"api-availability"}');
    expect(await old.closed).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close/i);
    const late = await rawClient(port);
    late.write(`${post}\r\ncontent-length: 28\r\n\r\n{"sloID":`);
    await eventually(() => expect(api?.app.traffic.openRequests()).toBe(1));
    api.app.traffic.refuseNew();
    late.write('"api-availability"}');
    expect(await late.closed).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close/i);
  });
});
