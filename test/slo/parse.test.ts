import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSloFile } from '../../src/slo/parse.ts';

const valid = readFileSync(new URL('../../fixtures/slo/valid/api-availability.yaml', import.meta.url), 'utf8');

/** The valid document with a part replaced; the part has to be there. */
function changed(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${from} is not in the document`);
    return text.replace(from, () => to);
  }, valid);
}

function problemsOf(text: string) {
  return parseSloFile(text, 'x.yaml').problems.map(({ severity, line, column, path, message }) => {
    return `${severity} ${line ?? '-'}:${column ?? '-'} ${path}: ${message}`;
  });
}

describe('the README’s document', () => {
  it('loads as it stands, its defaults filled in', () => {
    const { slos, problems, declares } = parseSloFile(valid, 'x.yaml');
    expect(problems).toEqual([]);
    expect(declares).toEqual([{ id: 'api-availability', service: 'api-gateway', environment: 'production' }]);
    expect(slos).toMatchObject([
      {
        place: { file: 'x.yaml', line: 4, column: 7, lineText: '  id: api-availability' },
        slo: {
          id: 'api-availability',
          service: 'api-gateway',
          environment: 'production',
          objective: 0.995,
          errorBudget: 0.005,
          complianceWindow: { name: '30d', lengthMs: 2_592_000_000 },
          evaluationInterval: { text: '5m', ms: 300_000 },
          sli: {
            type: 'availability',
            goodQuery: 'sum(rate(http_requests_total{status!~"5.."}[{{window}}]))\n',
            totalQuery: 'sum(rate(http_requests_total[{{window}}]))\n',
          },
          rules: [
            {
              name: 'fast-burn',
              shortWindow: { name: '5m' },
              longWindow: { name: '1h' },
              threshold: 14,
              action: 'BLOCK',
            },
            {
              name: 'slow-burn',
              shortWindow: { name: '1h' },
              longWindow: { name: '6h' },
              threshold: 7,
              action: 'BLOCK',
            },
          ],
          gating: { minDataPoints: 10, stalenessLimit: { text: '10m', ms: 600_000 }, noTraffic: 'WARN' },
        },
      },
    ]);
  });

  it('keeps the order of the schema in its document, whatever the order of the file', () => {
    const document = parseSloFile(valid, 'x.yaml').slos[0]?.slo.document;
    const reversed = JSON.stringify(reverseKeys(document));
    expect(JSON.stringify(parseSloFile(reversed, 'x.yaml').slos[0]?.slo.document)).toBe(JSON.stringify(document));
  });
});

function reverseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, of]) => [key, reverseKeys(of)]),
  );
}

describe('errors', () => {
  it('are all told at once, in the order of the text', () => {
    const text = changed(
      ['id: api-availability', 'id: 0123'],
      ['  environment: production\n', ''],
      ['objective: 0.995', 'objective: 99.5'],
      ['"5.."', '"5\\d"'],
      ['shortWindow: 5m', 'shortWindow: 5 minutes'],
      ['threshold: 7.0', 'treshold: 7.0'],
    );
    expect(problemsOf(text)).toEqual([
      'error 4:7 metadata.id: 0123 is not allowed: 3 to 128 letters, digits, dots, underscores and hyphens, a letter or digit first (YAML reads it as a number: write "0123")',
      'error 8:1 spec.environment: environment is missing: text of 1 to 64 characters',
      'error 9:14 spec.objective: 99.5 is not allowed: a number greater than 0 and less than 1 (99.5 % is written 0.995)',
      'error 17:48 spec.sli.good.prometheusQuery: PromQL: unknown escape sequence \\d in a string: write \\\\d',
      'error 25:22 spec.burnPolicy.rules[0].shortWindow: 5 minutes is not allowed: a whole number above 0 and a unit (s, m, h, d), like 5m or 30d',
      'error 29:9 spec.burnPolicy.rules[1].threshold: threshold is missing: a burn rate from 0.0001 to 100000',
      'error 32:9 spec.burnPolicy.rules[1].treshold: unknown key treshold: did you mean threshold?',
    ]);
  });

  it('between fields and in PromQL are told together', () => {
    const text = changed(['complianceWindow: 30d', 'complianceWindow: 1h'], ['[{{window}}]))', '[{{window}}])']);
    expect(problemsOf(text)).toEqual([
      'error 11:21 spec.complianceWindow: 1h is not allowed: complianceWindow is at least as long as every window of a rule (the longest is 6h)',
      'error 18:65 spec.sli.good.prometheusQuery: PromQL: unexpected end of the query: a closing ) is missing',
    ]);
  });

  it.each([
    ['a literal block', '|\n        sum(\n          rate(x[{{window}}])', 22],
    ['a literal block with CRLF', '|\r\n        sum(\r\n          rate(x[{{window}}])\r', 22],
    ['plain text', 'sum(rate(x[{{window}}])', 20],
    ['single quotes', "'sum(rate(x{a=\"it''s\"}[{{window}}])'", 20],
    ['double quotes', '"sum(rate(x{a=\\"b\\"}[{{window}}])"', 20],
  ])('in a query point at its character, in %s', (_, written, line) => {
    const whole = '|\n        sum(rate(http_requests_total[{{window}}]))';
    const { problems } = parseSloFile(changed([whole, written]), 'x.yaml');
    const text = written.split('\n').at(-1)?.replace('\r', '') ?? '';
    const [problem] = problems.filter(({ path }) => path === 'spec.sli.total.prometheusQuery');
    expect(problem).toMatchObject({ line, message: 'PromQL: unexpected end of the query: a closing ) is missing' });
    const lineText = problem?.lineText ?? '';
    expect(lineText).toContain(text);
    // The caret is after the last character of the query, before a closing quote.
    expect(lineText.slice((problem?.column ?? 0) - 1)).toBe(/^["']/.exec(written)?.[0] ?? '');
  });

  it('in a folded query point at the query', () => {
    const text = changed([
      '|\n        sum(rate(http_requests_total[{{window}}]))',
      '>\n        sum(\n        rate(x[{{window}}])',
    ]);
    expect(problemsOf(text)[0]).toMatch(/^error 20:24 spec\.sli\.total\.prometheusQuery: PromQL: unexpected end/);
  });

  it('of several documents are told, with the valid ones read', () => {
    const text = `${valid}---\n${changed(['kind: SLO', 'kind: SLA'])}---\n${changed(['id: api', 'id: other'])}`;
    const { slos, problems, declares } = parseSloFile(text, 'x.yaml');
    expect(slos.map(({ slo }) => slo.id)).toEqual(['api-availability', 'other-availability']);
    expect(problems.map(({ line, path }) => `${line ?? 0} ${path}`)).toEqual(['40 kind']);
    expect(declares.map(({ id }) => id)).toEqual(['api-availability', 'api-availability', 'other-availability']);
  });

  it('leave known what the file declares, as far as it can be read', () => {
    const declared = { id: 'api-availability', service: 'api-gateway', environment: 'production' };
    for (const text of [
      changed(['    good:\n', '    good: [\n']),
      changed(['owner: platform-team', 'owner: *nobody']),
      changed(['objective: 0.995', 'objective: 2']),
      `${valid}  x: ${'['.repeat(100)}`,
    ]) {
      const { slos, declares } = parseSloFile(text, 'x.yaml');
      expect(slos).toEqual([]);
      expect(declares).toEqual([declared]);
    }
  });

  it('are bounded in number', () => {
    const text = `${valid}${Array.from({ length: 5000 }, (_, index) => `key${index}: 1\n`).join('')}`;
    const { problems } = parseSloFile(text, 'x.yaml');
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)).toMatchObject({
      severity: 'error',
      message: 'more problems follow, of which the first 200 are told',
    });
  });
});

describe('what is allowed', () => {
  it.each([
    ['service: api-gateway', 'service: yes'], // text in YAML 1.2
    ['service: api-gateway', 'service: "0123"'],
    ['aegis.slo/v1', 'aegis.dev/v1'],
    ['owner: platform-team', 'labels: { "a b": "1", tier: one }'],
    ['owner: platform-team', `description: ${'x'.repeat(2048)}`],
    ['id: api-availability', 'id: A.b_c-9'],
    ['threshold: 14.0', 'threshold: 0.0001'],
    ['minDataPoints: 10', 'minDataPoints: 1000'],
    ['minDataPoints: 10', 'minDataPoints: 10\n    minCoverage: 1\n    noTraffic: BLOCK'],
    ['type: availability', 'type: latency_threshold\n    thresholdMs: 600000'],
    ['stalenessLimit: 10m', 'stalenessLimit: 10m\n    freshnessSelector: \'{__name__="up", job="x"}\''],
  ])('%s as %s', (from, to) => {
    expect(problemsOf(changed([from, to]))).toEqual([]);
  });

  it('windows are told apart by spelling', () => {
    const rule = parseSloFile(changed(['longWindow: 1h', 'longWindow: 60m']), 'x.yaml').slos[0]?.slo.rules[0];
    expect(rule?.longWindow).toEqual({ name: '60m', lengthMs: 3_600_000 });
  });
});

describe('warnings', () => {
  it.each([
    ['', 'warning 1:1 : the file holds no document'],
    ['# nothing\n---\n# here\n', 'warning 1:1 : the file holds no document'],
    [
      changed(['threshold: 14.0', 'threshold: 200.1']),
      'warning 28:20 spec.burnPolicy.rules[0].threshold: no error rate can reach this threshold: at an objective of 0.995 the burn rate is 200 when every event is an error',
    ],
    [
      changed(
        ['http_requests_total[{{window}}]', '{job="api"}[{{window}}]'],
        ['http_requests_total{status!~"5.."}', '{job="api"}'],
      ),
      'warning 18:18 spec.sli.good.prometheusQuery: the selector {job="api"} names no metric: it reads every series that has these labels',
    ],
    [
      changed(
        ['sum(rate(http_requests_total{status!~"5.."}[{{window}}]))', 'job:good:rate{{window}}'],
        ['sum(rate(http_requests_total[{{window}}]))', 'job:all:rate{{window}}'],
      ),
      'warning 18:9 spec.sli.good.prometheusQuery: the query reads recorded series only, which stay fresh when their sources die: name the raw series in spec.gating.freshnessSelector',
    ],
    [
      changed(['http_requests_total{status!~"5.."}', 'http_successes_total']),
      'warning 14:3 spec.sli: good and total read more than one metric (http_successes_total, http_requests_total), and the age of each is judged: where one may rightly be absent or old, name the series to judge by in spec.gating.freshnessSelector',
    ],
    [
      changed(
        ['sum(rate(http_requests_total{status!~"5.."}[{{window}}]))', 'T{w="{{window}}"} - T{e="1"}'],
        ['http_requests_total', 'T'],
      ),
      'warning 18:9 spec.sli.good.prometheusQuery: while the subtracted series do not exist (a service that has never failed) this is empty, and counts as 100 % errors: write (T{w="{{window}}"}) - ((T{e="1"}) or 0 * (T{w="{{window}}"}))',
    ],
  ])('%#', (text, warning) => {
    expect(problemsOf(text)).toContain(warning);
    expect(problemsOf(text).filter((problem) => problem.startsWith('error'))).toEqual([]);
  });

  it('of a query without {{window}} are given for both queries', () => {
    const text = changed(['"5.."}[{{window}}]', '"5.."}[5m]'], ['total[{{window}}]', 'total[5m]']);
    expect(problemsOf(text)).toEqual([
      'warning 18:9 spec.sli.good.prometheusQuery: the query does not use {{window}}: it reads the same for every window',
      'warning 21:9 spec.sli.total.prometheusQuery: the query does not use {{window}}: it reads the same for every window',
    ]);
  });

  it('of a histogram’s two names are not given: they come and go together', () => {
    const text = changed(
      ['http_requests_total{status!~"5.."}', 'x_bucket{le="0.3"}'],
      ['http_requests_total', 'x_count'],
    );
    expect(problemsOf(text)).toEqual([]);
  });

  it('take the place of PromQL errors where freshnessSelector is given', () => {
    const text = changed(
      ['sum(rate', 'sum(metricsql_only'],
      ['stalenessLimit: 10m', 'stalenessLimit: 10m\n    freshnessSelector: up'],
    );
    expect(problemsOf(text)).toEqual([
      'warning 18:27 spec.sli.good.prometheusQuery: PromQL: unknown function metricsql_only; not checked further, the query is sent as it stands',
    ]);
    expect(parseSloFile(text, 'x.yaml').slos).toHaveLength(1);
  });
});
