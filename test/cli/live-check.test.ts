import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { scratch } from '../support/scratch.ts';
import { aegis, json, serve } from './aegis.ts';

interface Changes {
  readonly good?: string;
  readonly total?: string;
  readonly short?: string;
  readonly minDataPoints?: number;
  readonly freshnessSelector?: string;
}

/** The queries stand on lines 15 and 17, minDataPoints on line 26. */
function sloText(id: string, { good, total, short = '5m', minDataPoints = 10, freshnessSelector }: Changes): string {
  return `apiVersion: aegis.slo/v1
kind: SLO
metadata:
  id: ${id}
  service: api-gateway
spec:
  environment: production
  objective: 0.995
  complianceWindow: 30d
  evaluationInterval: 5m
  sli:
    type: availability
    # Requests that were no errors, and all.
    good:
      prometheusQuery: ${good ?? `sum(rate(http_requests_total{scenario="healthy",status!~"5.."}[{{window}}]))`}
    total:
      prometheusQuery: ${total ?? `sum(rate(http_requests_total{scenario="healthy"}[{{window}}]))`}
  burnPolicy:
    rules:
      - name: fast-burn
        shortWindow: ${short}
        longWindow: 1h
        threshold: 14
  gating:
    # Samples in the shortest window.
    minDataPoints: ${minDataPoints}
    stalenessLimit: 10m
${freshnessSelector === undefined ? '' : `    freshnessSelector: ${freshnessSelector}\n`}`;
}

/** A directory of SLO files of its own for the running test. */
function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const validate = (directory: string, url: string, ...words: readonly string[]) =>
  aegis(['validate', '--dir', directory, '--prometheus-url', url, ...words]);

describeWithPrometheus('aegis validate --prometheus-url', () => {
  let prometheus: TestPrometheus;
  // As fine as the history that it begins with, so that one scrape interval is true all the time.
  beforeAll(async () => (prometheus = await startPrometheus({ scrapeIntervalSeconds: 30 })));
  afterAll(() => prometheus.stop());

  test('queries that are well are told with what they cost', async () => {
    const directory = directoryOf({
      'healthy.yaml': sloText('healthy', {}),
      'scalar.yaml': sloText('scalar', {
        total: 'scalar(sum(rate(http_requests_total{scenario="healthy"}[{{window}}])))',
      }),
    });
    const text = await validate(directory, prometheus.url);
    expect(text).toMatchObject({ code: 0, err: '' });
    expect(text.out).toMatch(
      /^healthy: 6 queries answered in [\d.e-]+s, [1-9]\d* samples, most by \w+ of \w+ \([\d.e-]+s, [1-9]\d* samples\); scraped about every \d+s\nscalar: 6 /,
    );
    expect(text.out).toContain('\n2 files, 2 SLOs valid, 0 errors, 0 warnings\n');

    const { code, out } = await validate(directory, prometheus.url, '--format', 'json');
    const { valid, live } = JSON.parse(out) as { valid: boolean; live: Live };
    expect({ code, valid }).toEqual({ code: 0, valid: true });
    expect(live).toMatchObject({ url: `${prometheus.url}/`, slos: [{ id: 'healthy' }, { id: 'scalar' }] });
    expect(live.slos.map(({ queries }) => queries.map(({ role, resultType }) => [role, resultType]))).toEqual([
      ['30d', '5m', '1h'].flatMap(() => [
        ['good', 'vector'],
        ['total', 'vector'],
      ]),
      ['30d', '5m', '1h'].flatMap(() => [
        ['good', 'vector'],
        ['total', 'scalar'],
      ]),
    ]);
    expect(live.slos[0]?.scrapeIntervalSeconds).toBeGreaterThan(25);
    expect(live.slos[0]?.scrapeIntervalSeconds).toBeLessThan(35);
  });

  test('what the server refuses is an error at the line of the query', async () => {
    // Newer than this server, and within our grammar.
    const good = 'sum(limitk(1, http_requests_total{scenario="healthy"}))';
    const directory = directoryOf({ 'slo.yaml': sloText('new', { good, total: 'vector(1)' }) });
    const { code, out, err } = await validate(directory, prometheus.url);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    const place = `${join(directory, 'slo.yaml')}:15:24: error: spec.sli.good.prometheusQuery: `;
    expect(out).toContain(`${place}the server refuses the query (30d, 5m, 1h): bad_data: `);
  });

  test.each<[string, Changes, string, string]>([
    [
      'series that never were',
      { total: 'sum(rate(http_requests_total{scenario="helthy"}[{{window}}]))' },
      ':17:33: warning: spec.sli.total.prometheusQuery: no series match http_requests_total{scenario="helthy"}, now or within 1h: check',
      'gives no series',
    ],
    [
      'series that are gone',
      { good: 'sum(rate(http_requests_total{scenario="stopped"}[{{window}}]))' },
      ':15:33: warning: spec.sli.good.prometheusQuery: no series match http_requests_total{scenario="stopped"} now; there were some within 1h',
      'gives no series',
    ],
    [
      'a freshness selector without series',
      { freshnessSelector: 'up{job="apy"}' },
      ':28:24: warning: spec.gating.freshnessSelector: no series match up{job="apy"}, now or within 1h',
      'spec.sli',
    ],
    [
      'a filter that leaves nothing',
      { total: 'sum(rate(http_requests_total{scenario="healthy"}[{{window}}])) > 1e9' },
      ':17:24: warning: spec.sli.total.prometheusQuery: the query gives no series (30d, 5m, 1h): it counts as no data',
      'no series match',
    ],
    [
      'NaN',
      { total: 'sum(events{scenario="nan"})', good: 'sum(events{scenario="nan"})' },
      ':17:24: warning: spec.sli.total.prometheusQuery: the query gives NaN (30d, 5m, 1h): it counts as no data',
      'gives no series',
    ],
    [
      'a negative value',
      { good: 'events_good{scenario="negative-good"}', total: 'vector(100)' },
      ':15:24: warning: spec.sli.good.prometheusQuery: the query gives -5 (30d, 5m, 1h): a negative count is a failed query',
      'gives no series',
    ],
    [
      'a rate over one scrape',
      { short: '30s', minDataPoints: 1 },
      ', sees fewer than two samples, so that it is mostly empty: take at least ',
      'one missed scrape',
    ],
    [
      'a rate over three scrapes',
      { short: '90s', minDataPoints: 1 },
      ':17:28: warning: spec.sli.total.prometheusQuery: rate() over 90s of http_requests_total{scenario="healthy"}, scraped about every ',
      'mostly empty',
    ],
    [
      'fewer samples than are required',
      { minDataPoints: 1000 },
      ':26:20: warning: spec.gating.minDataPoints: 5m can hold ',
      'sees',
    ],
  ])('%s is a warning at its place', async (_, changes, expected, unexpected) => {
    const directory = directoryOf({ 'slo.yaml': sloText('one', changes) });
    const { code, out, err } = await validate(directory, prometheus.url);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(expected);
    // The static checks have their say on the freshness of other metrics.
    const own = out
      .split('\n')
      .filter((line) => line.includes('warning:') && !line.includes('freshnessSelector where'));
    expect(own.join('\n')).not.toContain(unexpected);
  });
});

interface Live {
  readonly url: string;
  readonly slos: readonly {
    readonly id: string;
    readonly scrapeIntervalSeconds: number;
    readonly queries: readonly { readonly role: string; readonly resultType: string }[];
  }[];
}

describe('a server that cannot be asked', () => {
  const vector = { status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [0, '1'] }] } };
  const now = () => ({
    ...vector,
    data: { ...vector.data, result: [{ metric: {}, value: [Date.now() / 1000, '1'] }] },
  });

  test('is exit code 3 and told once, after what the files say', async () => {
    const directory = directoryOf({ 'a.yaml': sloText('one', {}), 'b.yaml': sloText('two', {}) });
    const closed = await serve(() => undefined);
    await closed.close();
    const page = await serve((_, response) => response.end('<html>Please sign in</html>'));
    const denying = await serve((_, response) => json(response, 401, { error: 'no' }));
    onTestFinished(() => Promise.all([page.close(), denying.close()]).then(() => undefined));
    for (const [url, why] of [
      [closed.url, 'connection refused'],
      [page.url, 'the answer is not a JSON object'],
      [denying.url.replace('//', '//somebody:secret-word@'), 'HTTP 401 Unauthorized'],
    ] as const) {
      const ran = await validate(directory, url);
      expect(ran, why).toMatchObject({ code: 3 });
      expect(ran.err).toMatch(/^aegis validate: the server could not be asked: .*\n$/);
      expect(ran.err).toContain(why);
      expect(ran.out).toContain('2 files, 2 SLOs valid, 0 errors, 2 warnings');
      expect(ran.out).toContain(`spec.sli: not, or not wholly, checked against the server: ${why}`);
      expect(ran.out + ran.err).not.toContain('secret-word');
    }
    expect(denying.asked.length).toBeLessThanOrEqual(2);
  });

  test('one query that does not end is not checked, and no verdict on the file', async () => {
    const { url, close } = await serve(({ body }, response) => {
      if (!body.includes('30d')) json(response, 200, now());
    });
    onTestFinished(close);
    const directory = directoryOf({ 'a.yaml': sloText('one', {}) });
    const { code, out } = await validate(directory, url, '--prometheus-timeout', '300ms');
    expect(code).toBe(0);
    expect(out).toContain('spec.sli.good.prometheusQuery: not checked (30d): timeout: no answer within 0.3s');
  });

  test('a server that repeats what it was sent gives no secret away', async () => {
    const { url, close } = await serve((question, response) => {
      const heard = `${question.url} ${question.headers.authorization}`;
      if (question.body.includes('30d')) json(response, 400, { status: 'error', errorType: 'bad_data', error: heard });
      else json(response, 200, { ...now(), warnings: [heard] });
    });
    onTestFinished(close);
    const directory = directoryOf({ 'a.yaml': sloText('one', {}) });
    const env = { PROMETHEUS_BEARER_TOKEN: 'secret-word' };
    const words = ['--dir', directory, '--prometheus-url', `${url}/?token=secret-token`];
    for (const format of ['text', 'json']) {
      const ran = await aegis(['validate', ...words, '--format', format], env);
      expect(ran.code).toBe(1);
      expect(ran.out).toContain('Bearer ***');
      expect(ran.out).toContain('the server warns');
      expect(ran.out + ran.err).not.toMatch(/secret-(word|token)/);
    }
  });

  test('a proxy that refuses POST is asked by GET, with the path, the headers and the user', async () => {
    const { url, asked, close } = await serve(({ method }, response) =>
      method === 'GET' ? json(response, 200, now()) : json(response, 405, {}),
    );
    onTestFinished(close);
    const directory = directoryOf({ 'a.yaml': sloText('one', { total: 'vector(1)', good: 'vector(1)' }) });
    const words = ['--prometheus-header', 'X-Scope-OrgID: team', '--prometheus-username', 'me'];
    const env = { PROMETHEUS_PASSWORD: 'secret-word' };
    const ran = await aegis(['validate', '--dir', directory, '--prometheus-url', `${url}/api/prom`, ...words], env);
    expect(ran).toMatchObject({ code: 0 });
    expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect(asked[1]?.url).toMatch(/^\/api\/prom\/api\/v1\/query\?query=vector%281%29&/);
    expect(asked[1]?.headers).toMatchObject({
      'x-scope-orgid': 'team',
      authorization: `Basic ${Buffer.from('me:secret-word').toString('base64')}`,
    });
  });

  test.each<[string[], string]>([
    [['--prometheus-username', 'me'], '--prometheus-username: needs --prometheus-url'],
    [['--prometheus-url', 'ftp://u:secret-word@x'], '--prometheus-url: "ftp://x" is not allowed'],
    [['--prometheus-url', 'http://x', '--prometheus-password-file', '/none'], '--prometheus-password-file: '],
  ])('%j is a mistake in the command line', async (words, message) => {
    const directory = directoryOf({ 'a.yaml': sloText('one', {}) });
    const ran = await aegis(['validate', '--dir', directory, ...words]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(`aegis validate: ${message}`);
    expect(ran.err).not.toContain('secret-word');
  });
});
