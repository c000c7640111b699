import { once } from 'node:events';
import { Agent, get, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts';
import { createGate, type Answer, type GateOptions, type GateServer } from '../../support/gate-server.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { sloDocument } from '../../support/slo.ts';
import { requestSeries } from './service.ts';

const sloOf = (interval: string) =>
  sloDocument({
    id: 'well',
    interval,
    complianceWindow: '1h',
    rules: [
      { name: 'fast-burn', shortWindow: '2m', longWindow: '10m', threshold: 14 },
      { name: 'slow-burn', shortWindow: '5m', longWindow: '30m', threshold: 7 },
    ],
    good: 'sum(rate(requests_total{health="healthy",code!="500"}[{{window}}]))',
    total: 'sum(rate(requests_total{health="healthy"}[{{window}}]))',
    gating: { minDataPoints: 1, stalenessLimit: '1h' },
  });
/** Evaluated at the start, and then when a test forces it. */
const seldom = '240h';
/** A busy machine may take its time. */
const patient = ['--prometheus-timeout', '60s', '--evaluation-timeout', '90s'];

describeWithPrometheus('evaluations', () => {
  let prometheus: TestPrometheus;
  let proxy: FaultProxy;
  let gate: GateServer | undefined;

  beforeAll(async () => {
    prometheus = await startPrometheus({ series: requestSeries('well') });
    proxy = await startFaultProxy(prometheus.url);
  });
  afterEach(async () => {
    await gate?.remove();
    await proxy.set('pass');
  });
  afterAll(async () => {
    await proxy.close();
    await prometheus.stop();
  });

  async function started(options: GateOptions): Promise<GateServer> {
    gate = await createGate({ prometheusUrl: proxy.url, ...options });
    await gate.start();
    await gate.waitFor('well', 'ALLOW');
    return gate;
  }

  /** As Prometheus itself counts them. */
  async function queriesAnswered(): Promise<number> {
    const response = await fetch(`${prometheus.url}/metrics`, { signal: AbortSignal.timeout(20_000) });
    const counted = /^prometheus_http_requests_total\{code="200",handler="\/api\/v1\/query"\} (\d+)$/m;
    return Number(counted.exec(await response.text())?.[1]);
  }

  it('five windows are one request, as Prometheus counts them', async () => {
    const running = await started({ slos: [sloOf(seldom)], args: patient });
    const before = await queriesAnswered();
    const answers: Answer[] = [];
    for (let times = 0; times < 5; times++) answers.push(await running.decide('well', true));
    expect(await queriesAnswered()).toBe(before + 5);
    expect(new Set(answers.map(({ evaluationID }) => evaluationID)).size).toBe(5);
    expect(answers.map((answer) => [answer.decision, Object.keys(answer.burnRates).length])).toEqual(
      Array(5).fill(['ALLOW', 5]),
    );
  });

  it('a thousand forced at once are at most two evaluations', async () => {
    const running = await started({ slos: [sloOf(seldom)], args: patient });
    let release: () => void = () => undefined;
    await proxy.set('slow', { until: new Promise<void>((resolve) => (release = resolve)), delayMs: 0 });
    proxy.forget();
    const answers = await forcedAtOnce(running.url, 1_000, async () => {
      // Questions on connections of their own, after all others: when they are answered, the gate has read those.
      for (let times = 0; times < 3; times++) await alone(`${running.url}/healthz`);
      release();
    });
    expect(answers.map(({ decision }) => decision)).toEqual(Array(1_000).fill('ALLOW'));
    const evaluations = new Set(answers.map(({ evaluationID }) => evaluationID));
    expect(evaluations.size).toBeLessThanOrEqual(2);
    expect(proxy.seen.length).toBe(evaluations.size);
    const { body } = await running.get('/v1/audit?sloID=well');
    const { records } = body as { records: { evaluationID: string }[] };
    // The first evaluation at the start, before them.
    expect(
      records
        .map((row) => row.evaluationID)
        .slice(0, -1)
        .toSorted(),
    ).toEqual([...evaluations].toSorted());
  });

  it('a gate that was stopped (SIGSTOP) gives no old ALLOW when it goes on', async () => {
    const running = await started({ slos: [sloOf('1s')], args: ['--prometheus-timeout', '1s'] });
    running.process().kill('SIGSTOP');
    // No new evaluation can be healthy, so that what is told first is what the gate remembers.
    await proxy.set('silent');
    await wait(2_500);
    const asked = Array.from({ length: 10 }, () => running.decide('well'));
    running.process().kill('SIGCONT');
    const answers = await Promise.all(asked);
    expect(answers.map(({ decision }) => decision)).toEqual(Array(10).fill('WARN'));
    expect(answers[0]?.reasonCodes).toContain('overdue');
    await proxy.set('pass');
    await running.waitFor('well', 'ALLOW');
  });
});

/** Forced decisions on a connection each; `onSent` is called when all are with the gate, and none is answered. */
async function forcedAtOnce(url: string, count: number, onSent: () => Promise<void>): Promise<readonly Answer[]> {
  const agent = new Agent({ maxSockets: count });
  const answers: Promise<Answer>[] = [];
  // A system has room for so many connections that nobody has accepted yet.
  const wave = 100;
  while (answers.length < count) {
    const sent = Array.from({ length: wave }, async () => {
      const forced = request(`${url}/v1/gate/decision`, { agent, method: 'POST', timeout: 90_000 });
      answers.push(answerOf(forced));
      forced.end('{"sloID":"well","forceFresh":true}');
      await once(forced, 'finish');
    });
    await Promise.all(sent);
  }
  await onSent();
  return Promise.all(answers).finally(() => agent.destroy());
}

/** On a connection of its own. */
async function alone(url: string): Promise<void> {
  const [response] = (await once(get(url, { agent: false, timeout: 90_000 }), 'response')) as [IncomingMessage];
  await text(response);
}

async function answerOf(asked: ClientRequest): Promise<Answer> {
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`${response.statusCode ?? 0} ${body}`);
  return JSON.parse(body) as Answer;
}
