import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { portOf } from '../support/exporter.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

let gate: GateServer | undefined;
let source: Server | undefined;
afterEach(async () => {
  await gate?.remove();
  source?.close();
  source?.closeAllConnections();
});

/** A metrics source that knows no series, and keeps the headers that it was asked with. */
async function startSource(delayMs = 0): Promise<{ url: string; asked: IncomingHttpHeaders[] }> {
  const asked: IncomingHttpHeaders[] = [];
  source = createServer((request, response) => {
    asked.push(request.headers);
    request.resume();
    response.setHeader('content-type', 'application/json');
    const answer = '{"status":"success","data":{"resultType":"vector","result":[]}}';
    setTimeout(() => response.end(answer), delayMs);
  });
  source.listen(0, '127.0.0.1');
  await once(source, 'listening');
  return { url: `http://127.0.0.1:${portOf(source)}`, asked };
}

test("a caller's trace goes through the gate to Prometheus, and stands in the lines of both", async () => {
  const { url, asked } = await startSource();
  gate = await createGate({ slos: [sloDocument()], prometheusUrl: url, args: ['--log-level', 'debug'] });
  await gate.start();
  const server = gate;
  const lines = () => server.lines();
  const own = await eventually(() => {
    const line = lines().find(({ message }) => String(message).startsWith('Evaluated SLO'));
    if (line === undefined) throw new Error('not evaluated yet');
    return line;
  });
  // A scheduled evaluation has a trace of its own.
  expect(asked.map(({ traceparent }) => traceparent)).toContain(`00-${String(own.trace_id)}-${String(own.span_id)}-00`);

  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const before = asked.length;
  const answer = await fetch(`${gate.url}/v1/gate/decision`, {
    method: 'POST',
    headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'vendor=opaque' },
    body: '{"sloID":"api-availability","forceFresh":true}',
  });
  const { evaluationID } = (await answer.json()) as { evaluationID: string };
  const ours = () => lines().filter((line) => line.trace_id === trace);
  const [evaluated, request] = await eventually(() => {
    expect(ours()).toHaveLength(2);
    return ours();
  });
  expect(evaluated).toMatchObject({ component: 'scheduler', evaluation_id: evaluationID });
  expect(request).toMatchObject({ message: 'request', evaluation_id: evaluationID, span_id: evaluated?.span_id });
  const sent = asked.slice(before).filter(({ traceparent }) => traceparent?.includes(trace));
  expect(sent.length).toBeGreaterThan(0);
  for (const headers of sent) {
    expect(headers).toMatchObject({
      traceparent: `00-${trace}-${String(request?.span_id)}-01`,
      tracestate: 'vendor=opaque',
    });
  }
});

test('a forced evaluation that waits for a slow Prometheus is a slow_request, with its SLO', async () => {
  const { url } = await startSource(300);
  const server = await createGate({ slos: [sloDocument()], prometheusUrl: url, args: ['--slow-request', '250ms'] });
  gate = server;
  await server.start();
  const { evaluationID } = await server.decide('api-availability', true);
  const slow = await eventually(() => {
    const lines = server.lines().filter(({ message }) => message === 'slow_request');
    expect(lines).toHaveLength(1);
    return lines[0];
  });
  expect(slow).toMatchObject({ level: 'warn', slo_id: 'api-availability', evaluation_id: evaluationID });
  expect(slow?.duration_ms).toBeGreaterThan(250);
  await server.get('/v1/slo');
  expect(server.lines().filter(({ message }) => message === 'slow_request')).toHaveLength(1);
});
