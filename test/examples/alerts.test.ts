import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { analyze } from '../../src/promql/analyze.ts';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { allScenarios } from '../support/metric-scenarios.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { scenarioSlo } from '../support/scenario-slo.ts';
import { type Alert, type Scraper, startScraper } from '../support/scraper.ts';
import { openShell } from '../support/sqlite3-session.ts';

const directory = fileURLToPath(new URL('../../examples/prometheus/alerts/', import.meta.url));
const rulesText = readFileSync(`${directory}aegis.yml`, 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

const rules = (parseYaml(rulesText) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(
  readFileSync(new URL('../../examples/grafana/aegis-slo.json', import.meta.url), 'utf8'),
) as { readonly panels: readonly Panel[]; readonly templating: { list: { name: string }[] } };

/** Grafana's variables in the place of which a value stands when it asks. */
function withoutVariables(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, 'x');
}

function metricsIn(expr: string): readonly string[] {
  const analysis = analyze(expr);
  if (!analysis.ok) throw new Error(`${expr}: ${analysis.message}`);
  return analysis.selectors.map(({ metricName }) => metricName ?? '');
}

const panels = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

describeWithPrometheus('the alert rules', () => {
  it('are well formed, and pass their own tests', () => {
    expect(execFileSync('promtool', ['check', 'rules', 'aegis.yml'], { cwd: directory, encoding: 'utf8' })).toContain(
      `${rules.length} rules found`,
    );
    expect(
      execFileSync('promtool', ['test', 'rules', 'aegis.test.yml'], { cwd: directory, encoding: 'utf8' }),
    ).toContain('SUCCESS');
  });

  it('each fire in one of their tests, and each have their line in docs/operations.md', () => {
    const tests = readFileSync(`${directory}aegis.test.yml`, 'utf8');
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    for (const { alert } of rules) {
      expect(tests).toContain(`alertname="${alert}"`);
      expect(page).toContain(`| \`${alert}\``);
    }
  });
});

describe('the dashboard', () => {
  it('asks what is PromQL, and every panel asks something', () => {
    for (const { expr } of panels) expect(metricsIn(withoutVariables(expr)), expr).not.toEqual([]);
    const rows = dashboard.panels.filter(({ targets }) => targets === undefined);
    expect(rows.map(({ title }) => title)).toEqual(['Now', 'SLOs', 'Evaluations', 'Requests', 'Audit', 'Process']);
  });

  it('names no variable that it does not have', () => {
    const known = new Set(['__rate_interval', ...dashboard.templating.list.map(({ name }) => name)]);
    const used = panels.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name));
    expect(used.filter((name) => name === undefined || !known.has(name))).toEqual([]);
  });
});

describeWithPrometheus('a gate that is scraped', () => {
  let prometheus: TestPrometheus;
  let gate: GateServer;
  let scraper: Scraper;
  beforeAll(async () => {
    prometheus = await startPrometheus({
      series: allScenarios().filter(({ labels: { scenario } }) => scenario === 'healthy' || scenario === 'fast-burn'),
    });
    gate = await createGate({
      prometheusUrl: prometheus.url,
      slos: [scenarioSlo('healthy', { interval: '1s' }), scenarioSlo('fast-burn', { interval: '1s' })],
    });
    await gate.start();
    // At once, where the rules wait: that they wait is in their own tests.
    scraper = await startScraper('aegis', gate.port, rulesText.replaceAll(/^ +for: .*\n/gm, ''));
  });
  afterAll(async () => {
    await scraper.stop();
    await gate.remove();
    await prometheus.stop();
  });

  const firing = (alert: string) =>
    eventually(async () => {
      const found = (await scraper.alerts()).find(({ labels }) => labels.alertname === alert);
      if (found === undefined) throw new Error(`${alert} does not fire`);
      return found;
    }, 60_000);

  it('has every metric that the rules and the dashboard name', async () => {
    const response = await fetch(`${gate.url}/metrics`);
    const text = await response.text();
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const named = [...rules, ...panels].flatMap(({ expr }) => metricsIn(withoutVariables(expr)));
    const ours = named.map((name) => name.replace(/_(bucket|sum|count)$/, '')).filter((name) => name !== 'up');
    expect(ours.filter((name) => !known.has(name))).toEqual([]);
  });

  it('fires for an SLO that burns, a locked database and a dead Prometheus, each in words', async () => {
    const burning: Alert = await firing('AegisSloBlocks');
    expect(burning.annotations.summary).toContain('SLO fast-burn (');

    const shell = openShell(gate.db);
    await shell.run('BEGIN EXCLUSIVE;');
    await firing('AegisAuditUnavailable');
    await shell.kill();

    await prometheus.kill();
    await firing('AegisPrometheusUnreachable');
    await firing('AegisEvaluationFails');
    await firing('AegisCircuitOpen');

    await gate.kill();
    expect((await firing('AegisDown')).annotations.summary).toContain('does not answer');
  });
});
