import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { parseSloFile } from '../../src/slo/parse.ts';
import { workbookRules } from '../../src/slo/workbook.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';
import { aegis } from './aegis.ts';
import { nowhere } from './command-tree.ts';

/** In this process, with nobody to ask. */
async function sloNew(...words: string[]) {
  let [out, err] = ['', ''];
  const code = await run(['slo', 'new', ...words], {
    ...nowhere,
    out: (text) => Promise.resolve(void (out += text)),
    err: (text) => Promise.resolve(void (err += text)),
  });
  return { code, out, err };
}

const documentOf = (text: string) => {
  const { slos, problems } = parseSloFile(text, 'new.yaml');
  expect(problems).toEqual([]);
  expect(slos).toHaveLength(1);
  return slos[0]!.slo.document;
};

const kindWords = {
  availability: ['--errors', 'code=~"5..|429"'],
  latency: ['--metric', 'rpc_seconds_bucket', '--threshold', '250ms'],
  errors: ['--metric', 'jobs_total', '--error-metric', 'job_errors_total'],
  gauge: ['--metric', 'queue_depth', '--below', '0.85'],
} as const;

describe('aegis slo new', () => {
  const kind = fc.constantFrom('availability', 'latency', 'errors', 'gauge');
  /** One line, whatever is in it: quotes, backslashes, YAML's own signs, other alphabets. */
  const name = (most: number) =>
    fc
      .oneof(
        fc.string({ minLength: 1, maxLength: most, unit: 'binary' }),
        fc.constantFrom(
          'a"b',
          'a\\b',
          "it's",
          '# no comment',
          'a: b',
          '- a',
          'true',
          '0x1F',
          ' padded ',
          '{{win',
          '"',
          '\\',
        ),
      )
      .filter((text) => /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(text) && text.length <= most && !text.startsWith('-'))
      .filter((text) => !/\{\{\s*window\s*\}\}/.test(text));
  const objective = fc.oneof(
    fc.integer({ min: 1, max: 9_999_999 }).map((digits) => digits / 10_000_000),
    fc.constantFrom(0.5, 0.9, 0.93, 0.95, 0.99, 0.999, 0.99999),
  );
  const scrapeSeconds = fc.integer({ min: 1, max: 60 });

  it('writes a file without a warning, of what it was told, whatever it was told', async () => {
    const anything = fc.record({
      kind,
      service: name(128),
      owner: name(128),
      environment: name(64),
      objective,
      scrapeSeconds,
    });
    await fc.assert(
      fc.asyncProperty(anything, async (told) => {
        const { code, out, err } = await sloNew(
          ...['--kind', told.kind, ...kindWords[told.kind], '--id', 'an-id', '--objective', decimal(told.objective)],
          ...['--service', told.service, '--owner', told.owner, '--environment', told.environment],
          ...['--scrape-interval', `${told.scrapeSeconds}s`],
        );
        expect([code, err]).toEqual([0, '']);
        const { metadata, spec } = documentOf(out);
        expect(metadata).toMatchObject({ id: 'an-id', service: told.service, owner: told.owner });
        expect(spec).toMatchObject({ environment: told.environment, objective: told.objective });
        // The default selector is the service as the job, read by PromQL as it was told.
        for (const { prometheusQuery } of [spec.sli.good, spec.sli.total])
          expect(new Set(jobsIn(prometheusQuery))).toEqual(new Set([told.service]));
        // The rules that can be reached, and a word about each that cannot.
        const budget = 1 - told.objective;
        for (const rule of workbookRules) {
          const kept = spec.burnPolicy.rules.find(({ name }) => name === rule.name);
          if (rule.threshold * budget <= 1 - 1e-6) expect(kept).toEqual(rule);
          if (rule.threshold * budget > 1 + 1e-6) expect(kept).toBeUndefined();
          if (kept === undefined) expect(out).toContain(`${rule.name} (${rule.threshold}x)`);
        }
        const samples = Math.floor(300 / told.scrapeSeconds);
        expect(spec.gating.minDataPoints).toBeGreaterThan(samples / 2);
        expect(spec.gating.minDataPoints).toBeLessThan(samples);
      }),
      { numRuns: 60 },
    );
  });

  it.each<[string, string[], { good: string; total: string }]>([
    [
      'availability',
      ['--objective', '99.9%'],
      {
        good: 'sum(rate(http_requests_total{job="shop",status!~"5.."}[{{window}}]))',
        total: 'sum(rate(http_requests_total{job="shop"}[{{window}}]))',
      },
    ],
    [
      'availability',
      ['--objective', '.99', '--errors', 'outcome!="ok"', '--selector', '{region="eu",}'],
      {
        good: 'sum(rate(http_requests_total{region="eu",outcome="ok"}[{{window}}]))',
        total: 'sum(rate(http_requests_total{region="eu"}[{{window}}]))',
      },
    ],
    [
      'latency',
      ['--objective', '95%', '--threshold', '3s', '--selector', '{}'],
      {
        good: 'sum(rate(http_request_duration_seconds_bucket{le=~"3([.]0)?"}[{{window}}]))',
        total: 'sum(rate(http_request_duration_seconds_count[{{window}}]))',
      },
    ],
    [
      'latency',
      ['--objective', '95%', '--threshold', '7ms', '--metric', 'kv_seconds_count'],
      {
        good: 'sum(rate(kv_seconds_bucket{job="shop",le="0.007"}[{{window}}]))',
        total: 'sum(rate(kv_seconds_count{job="shop"}[{{window}}]))',
      },
    ],
    [
      'gauge',
      ['--objective', '99%', '--metric', 'queue_depth', '--below', '1000'],
      {
        good: 'sum_over_time((max(queue_depth{job="shop"}) < bool 1000)[{{window}}:1m])',
        total: 'count_over_time(max(queue_depth{job="shop"})[{{window}}:1m])',
      },
    ],
  ])('asks for %s %j', async (kind, words, { good, total }) => {
    const { out, err } = await sloNew('--service', 'shop', '--kind', kind, ...words);
    expect(err).toBe('');
    const { metadata, spec } = documentOf(out);
    expect(metadata).toEqual({ id: `shop-${kind}`, service: 'shop' });
    expect(spec.sli.good.prometheusQuery.trim()).toBe(good);
    expect(spec.sli.total.prometheusQuery.trim()).toBe(total);
  });

  it('takes what the owner says of no traffic', async () => {
    const { out } = await sloNew(...'--service shop --kind availability --objective 99% --no-traffic allow'.split(' '));
    expect(documentOf(out).spec.gating.noTraffic).toBe('ALLOW');
  });

  const said = ['--service', 'shop', '--kind', 'availability', '--objective', '99%'];
  it.each<[string, string[], string]>([
    ['no service', [], '--service: missing: one line'],
    ['no kind', ['--service', 'shop'], '--kind: missing: availability, latency, errors or gauge'],
    ['no objective', said.slice(0, 4), '--objective: missing: a ratio between 0 and 1'],
    ['no threshold', [...said, '--kind', 'latency'], '--threshold: missing: a duration from 1ms to 10m'],
    ['no error metric', [...said, '--kind', 'errors', '--metric', 'a'], '--error-metric: missing'],
    ['no bound', [...said, '--kind', 'gauge', '--metric', 'a'], '--below: missing: a number'],
    ['no metric', [...said, '--kind', 'gauge'], '--metric: missing: the name of a metric'],
    ['no id in the name', [...said, '--service', 'der Laden'], '--id: missing: 3 to 128 letters'],
    ['an objective of 99.9', [...said, '--objective', '99.9'], '--objective: "99.9" is not allowed'],
    ['an objective of 100%', [...said, '--objective', '100%'], '--objective: "100%" is not allowed'],
    ['a recorded metric', [...said, '--metric', 'job:requests:rate5m'], '--metric: "job:requests:rate5m" is not'],
    ['more than labels', [...said, '--selector', 'a="b"} or up{c="d"'], 'is not allowed: label matchers'],
    ['a name among labels', [...said, '--selector', '__name__="up"'], 'is not allowed: label matchers'],
    ['a window among labels', [...said, '--selector', 'a="{{window}}"'], 'is not allowed: label matchers'],
    ['no matcher', [...said, '--errors', 'code'], '--errors: "code" is not allowed: one label matcher'],
    ['one counter for both', [...said, '--kind', 'errors', '--metric', 'a', '--error-metric', 'a'], 'too (--metric)'],
    ['a scrape interval of 5m', [...said, '--scrape-interval', '5m'], '--scrape-interval: "5m" is not allowed'],
    ['another word', ['extra'], 'too many arguments'],
  ])('%s is a usage error that names the flag', async (_, words, message) => {
    const ran = await sloNew(...words);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
  });

  it('does not write over a file, unless forced, and leaves nothing else behind', async () => {
    const directory = scratch();
    const file = join(directory, 'shop.yaml');
    const first = await aegis(['slo', 'new', ...said, '--out', file]);
    expect(first).toMatchObject({ code: 0, out: '' });
    expect(first.err).toContain('is written');
    expect(await aegis(['validate', '--dir', directory])).toMatchObject({
      code: 0,
      out: '1 file, 1 SLO valid, 0 errors, 0 warnings\n',
    });
    writeFileSync(file, '# mine\n');
    const refused = await sloNew(...said, '--out', file);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('is there already') as unknown });
    expect(readFileSync(file, 'utf8')).toBe('# mine\n');
    expect(await sloNew(...said, '--out', file, '--force')).toMatchObject({ code: 0 });
    expect(documentOf(readFileSync(file, 'utf8')).metadata.id).toBe('shop-availability');
    expect(readdirSync(directory)).toEqual(['shop.yaml']);
    expect(await sloNew(...said, '--out', join(directory, 'no', 'such.yaml'))).toMatchObject({ code: 2 });
  });
});

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

describe.skipIf(lacks('script'))('aegis slo new on a terminal', () => {
  /** Answers each question once it is there, as a person does; Ctrl-D where there is no answer left. */
  async function talk(words: readonly string[], answers: readonly (readonly [question: RegExp, answer: string])[]) {
    const command = [process.execPath, cli, 'slo', 'new', ...words].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: { PATH: process.env.PATH, TERM: 'dumb' } });
    let [seen, shown, at] = ['', '', 0];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      shown += chunk;
      seen += chunk;
      const next = answers[at];
      if (next === undefined ? seen.endsWith(': ') : next[0].test(seen)) {
        seen = '';
        at += 1;
        child.stdin.write(next === undefined ? '\u0004' : `${next[1]}\r`);
      }
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, shown };
  }

  it('asks for what no flag says, each with its default, and again where an answer is not allowed', async () => {
    const file = join(scratch(), 'shop.yaml');
    const { code, shown } = await talk(
      ['--out', file, '--environment', 'staging'],
      [
        [/service.*: $/, 'der "Laden"'],
        [/kind.*\[availability\]: $/, 'latency'],
        [/id.*: $/, 'x'],
        [/not allowed: 3 to 128[^]*id.*: $/, 'laden'],
        [/team.*\[-\]: $/, ''],
        [/metric.*\[http_request_duration_seconds\]: $/, ''],
        [/longest.*: $/, '300ms'],
        [/labels.*\[job="der \\"Laden\\""\]: $/, ''],
        [/objective.*\[99.9%\]: $/, '99.5%'],
        [/no traffic.*\[warn\]: $/, 'block'],
        [/scrape.*\[30s\]: $/, ''],
      ],
    );
    expect([code, shown]).toEqual([0, expect.stringContaining('is written')]);
    const { metadata, spec } = documentOf(readFileSync(file, 'utf8'));
    expect(metadata).toEqual({ id: 'laden', service: 'der "Laden"' });
    expect(spec).toMatchObject({ environment: 'staging', objective: 0.995, gating: { noTraffic: 'BLOCK' } });
    expect(spec.sli.total.prometheusQuery).toContain('{job="der \\"Laden\\""}');
  });

  it('writes nothing where the answers end', async () => {
    const directory = scratch();
    const { code, shown } = await talk(['--out', join(directory, 'a.yaml')], [[/service.*: $/, 'shop']]);
    expect([code, shown]).toEqual([2, expect.stringContaining('the input ended')]);
    expect(readdirSync(directory)).toEqual([]);
  });
});

/** As a person writes it, without an exponent. */
function decimal(ratio: number): string {
  return ratio.toFixed(12).replace(/0+$/, '');
}

/** What the matchers of `job` say in a query. */
function jobsIn(query: string): readonly unknown[] {
  return [...query.matchAll(/\bjob=("(?:[^"\\]|\\.)*")/g)].map(([, literal = '']) => JSON.parse(literal) as unknown);
}
