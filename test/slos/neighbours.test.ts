import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSyntheticAdapter } from '../../src/adapter/synthetic/adapter.ts';
import { run } from '../../src/cli/run.ts';
import { decide } from '../../src/policy/decide.ts';
import { windowsOf } from '../../src/slo/model.ts';
import { parseSloFile } from '../../src/slo/parse.ts';
import { workbookRules } from '../../src/slo/workbook.ts';
import { aegis } from '../cli/aegis.ts';
import { nowhere } from '../cli/command-tree.ts';
import { createGate, type Answer, type GateServer } from '../support/gate-server.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { root } from '../support/running.ts';
import { history, packSeries, scenarios, type Scenario } from './pack-data.ts';

const directory = join(root, 'slos/neighbours');
const fixtures = join(root, 'fixtures/metrics');
const packs = ['aion', 'aegiskv', 'event-bus'].map((pack) => ({
  pack,
  files: readdirSync(join(directory, pack)).map((file) => ({
    id: file.replace('.yaml', ''),
    text: readFileSync(join(directory, pack, file), 'utf8'),
  })),
}));
const files = packs.flatMap((pack) => pack.files);

/** A pack taken over as slos/neighbours/README.md says: a copy with ids and labels of one's own. */
function adopted(text: string, name: string): string {
  return text
    .replace(/^ {2}id: .*$/m, (line) => line + name)
    .replaceAll(/(namespace="(?:aion|aegis-event-bus)|job="aegiskv)"/g, (_, start: string) => `${start}${name}"`);
}

/** What `aegis slo new` writes for the same series, one for each kind of metric. */
const drafts = [
  { id: 'new-availability', words: '--kind availability --objective 99%', labels: 'namespace="aion",job="gateway"' },
  {
    id: 'new-latency',
    words: '--kind latency --objective 95% --threshold 3s',
    labels: 'namespace="aion",job="gateway"',
  },
  {
    id: 'new-errors',
    words: '--kind errors --objective 0.999 --metric aegis_ops_total --error-metric aegis_ops_errors_total',
    labels: 'job="aegiskv"',
  },
  {
    id: 'new-gauge',
    words: '--kind gauge --objective 0.99 --metric worker_queue_depth --below 1000',
    labels: 'namespace="aion",job="control"',
  },
];

async function written({ id, words, labels }: (typeof drafts)[number]): Promise<{ id: string; text: string }> {
  let text = '';
  const argv = ['slo', 'new', '--service', 'shop', '--id', id, '--selector', labels, ...words.split(' ')];
  const code = await run(argv, { ...nowhere, out: (out) => Promise.resolve(void (text += out)) });
  expect(code).toBe(0);
  return { id, text };
}

const nameOf = (scenario: Scenario) => (scenario === 'healthy' ? '' : `-${scenario}`);

/** Gauges and probes: nobody has to come by for them to count. */
const withoutTraffic = /-(uptime|queue-depth|members|gauge)$/;

describe.each(packs)('$pack', ({ pack, files: own }) => {
  it.each(own)('$id loads without so much as a warning, with the rules of the Workbook', ({ id, text }) => {
    const { slos, problems } = parseSloFile(text, id);
    expect(problems).toEqual([]);
    expect(slos.map(({ slo }) => slo.id)).toEqual([id]);
    const { spec, metadata } = slos[0]!.slo.document;
    expect(spec.burnPolicy.rules).toEqual(workbookRules.map((rule) => expect.objectContaining(rule) as unknown));
    expect(spec.complianceWindow).toBe('30d');
    expect(Object.keys(metadata.labels ?? {})).toEqual(['team', 'severity', 'ticket-severity']);
    expect(metadata).toMatchObject({
      owner: metadata.labels?.team,
      annotations: { runbook: expect.stringMatching(/^https:/) as unknown },
    });
  });

  it.each(own)('$id is healthy in the demonstration, which serves all of slos/', async ({ id, text }) => {
    const { slo } = parseSloFile(text, id).slos[0]!;
    const request = { slo, windows: windowsOf(slo), evaluatedAtMs: Date.now(), priority: 'scheduled' } as const;
    const measurement = await createSyntheticAdapter(fixtures).measure(request, new AbortController().signal);
    expect(decide(slo, measurement, [])).toMatchObject({ decision: 'ALLOW' });
  });

  it('is described in slos/neighbours/README.md, SLO by SLO', () => {
    const readme = readFileSync(join(directory, 'README.md'), 'utf8');
    expect(own.filter(({ id }) => !readme.includes(`\`${id}\``))).toEqual([]);
    expect(readme).toContain(`slos/neighbours/${pack}`);
  });
});

describeWithPrometheus('the packs of slos/neighbours, and files of aegis slo new, on a real Prometheus', () => {
  let prometheus: TestPrometheus;
  let gate: GateServer;
  const answers = new Map<string, Answer>();

  beforeAll(async () => {
    const series = scenarios.flatMap((scenario) => packSeries(scenario, nameOf(scenario)));
    prometheus = await startPrometheus({ series, history, scrapeIntervalSeconds: 10 });
    const all = [...files, ...(await Promise.all(drafts.map(written)))];
    const copies = scenarios.flatMap((scenario) =>
      all.map(({ id, text }): [string, string] => [`${id}${nameOf(scenario)}.yaml`, adopted(text, nameOf(scenario))]),
    );
    // All of them at once, on a machine that may be busy: how long that takes is not what is tested here.
    const args = ['--prometheus-timeout', '60s', '--evaluation-timeout', '100s'];
    gate = await createGate({ prometheusUrl: prometheus.url, files: Object.fromEntries(copies), args });
    await gate.start();
    const ids = copies.map(([name]) => name.replace('.yaml', ''));
    await Promise.all(ids.map(async (id) => answers.set(id, await gate.decide(id))));
  });
  afterAll(async () => {
    await gate.remove();
    await prometheus.stop();
  });

  const answerOf = (id: string, scenario: Scenario) => {
    const answer = answers.get(`${id}${nameOf(scenario)}`);
    if (answer === undefined) throw new Error(`no answer for ${id}`);
    return answer;
  };
  const rulesIn = ({ reasons }: Answer) => reasons.map((reason) => /^rule (\S+) triggered/.exec(reason)?.[1]);

  it('has nothing that aegis validate would say of it, asked of the live server', async () => {
    const argv = ['validate', '--dir', directory, '--prometheus-url', prometheus.url, '--format', 'json'];
    const { code, out } = await aegis(argv);
    expect(JSON.parse(out)).toMatchObject({ valid: true, problems: [] });
    expect(code).toBe(0);
  });

  describe.each([...files, ...drafts])('$id', ({ id }) => {
    it('is ALLOW while healthy, and while it has never failed', () => {
      for (const scenario of ['healthy', 'flawless'] as const)
        expect(answerOf(id, scenario), scenario).toMatchObject({ decision: 'ALLOW', reasonCodes: ['ok'] });
    });

    it('is BLOCK by the page rule while it burns fast', () => {
      const answer = answerOf(id, 'fast');
      expect(answer).toMatchObject({ decision: 'BLOCK' });
      expect(rulesIn(answer)).toContain('page-1h');
      expect(new Set(answer.reasonCodes)).toEqual(new Set(['rule_triggered']));
    });

    it('is BLOCK by both page rules while everything fails', () => {
      const answer = answerOf(id, 'outage');
      expect(answer).toMatchObject({ decision: 'BLOCK' });
      expect(rulesIn(answer)).toEqual(expect.arrayContaining(['page-1h', 'page-6h']));
      expect(new Set(answer.reasonCodes)).toEqual(new Set(['rule_triggered']));
    });

    it('is WARN by the ticket rules while it burns slowly', () => {
      const answer = answerOf(id, 'slow');
      expect(answer).toMatchObject({ decision: 'WARN' });
      expect(rulesIn(answer)).toEqual(['ticket-1d', 'ticket-3d']);
    });

    it('is WARN, and said to be stale, once its exporter is dead', () => {
      const answer = answerOf(id, 'silent');
      expect(answer).toMatchObject({ decision: 'WARN', isStale: true });
      expect(answer.reasonCodes).toContain('stale');
      expect(answer.notes.join('\n')).toMatch(/newest sample is \d+m? ?\d*s? old \(limit 2m\)/);
    });

    it('is not ALLOW without traffic, unless its file accepts that', () => {
      const answer = answerOf(id, 'idle');
      if (withoutTraffic.test(id)) {
        expect(answer).toMatchObject({ decision: 'ALLOW', reasonCodes: ['ok'] });
      } else if (id === 'event-bus-mqtt-delivery') {
        expect(answer).toMatchObject({ decision: 'ALLOW', reasonCodes: ['no_traffic'] });
      } else {
        expect(answer).toMatchObject({ decision: 'WARN', reasonCodes: ['no_traffic'], hasNoTraffic: true });
      }
    });
  });
});
