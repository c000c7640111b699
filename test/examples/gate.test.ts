import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { reasonCodes } from '../../src/policy/gate-result.ts';
import { lacks } from '../support/services.ts';
import { freePort } from '../support/prometheus.ts';
import { answers, root, type Running, start } from '../support/running.ts';

const example = (name: string) => readFile(join(root, 'examples/ci', name), 'utf8');

type Pipelines = Readonly<Record<string, { readonly curl: string; readonly aegis: string }>>;

/** The shell of the gate steps, as the CI system would hand it to `sh`. */
async function readPipelines(): Promise<Pipelines> {
  const github = parse(await example('github-actions.yml')) as {
    jobs: Record<string, { steps: { run: string }[]; needs?: string[] }>;
  };
  const gitlab = parse(await example('gitlab-ci.yml')) as Record<string, { script: string[] }>;
  const jenkins = await example('Jenkinsfile');
  const jenkinsStage = (name: string) =>
    new RegExp(`stage\\('${name}'\\)[\\s\\S]*?\\n\\s+sh ('''|')([\\s\\S]*?)\\1`).exec(jenkins)?.[2] ?? '';
  return {
    'GitHub Actions': {
      curl: github.jobs['gate-with-curl']?.steps[0]?.run ?? '',
      aegis: github.jobs['gate-with-aegis']?.steps[0]?.run ?? '',
    },
    'GitLab CI': {
      curl: gitlab['gate-with-curl']?.script.join('\n') ?? '',
      aegis: gitlab['gate-with-aegis']?.script.join('\n') ?? '',
    },
    Jenkins: { curl: jenkinsStage('gate-with-curl'), aegis: jenkinsStage('gate-with-aegis') },
  };
}

const pipelines = await readPipelines();
const withoutIndent = (shell: string) => shell.replaceAll(/^ +/gm, '').trim();

describe('examples/ci', () => {
  it('has the same lines in every pipeline, those of gate.sh', async () => {
    const script = await example('gate.sh');
    const lines = withoutIndent(script.slice(script.indexOf('set -eu')));
    for (const { curl } of Object.values(pipelines)) expect(withoutIndent(curl)).toBe(lines);
    const commands = Object.values(pipelines).map(({ aegis }) => aegis);
    expect(new Set(commands)).toEqual(new Set(['aegis gate --server "$AEGIS_URL" --slo "$AEGIS_SLO" --fresh']));
  });

  it('deploys after its gates only', async () => {
    const github = parse(await example('github-actions.yml')) as { jobs: { deploy: { needs: string[] } } };
    expect(github.jobs.deploy.needs).toEqual(['gate-with-curl', 'gate-with-aegis']);
    const gitlab = parse(await example('gitlab-ci.yml')) as { stages: string[] } & Record<string, { stage: string }>;
    expect(gitlab.stages).toEqual(['gate', 'deploy']);
    expect(['gate-with-curl', 'gate-with-aegis', 'deploy'].map((job) => gitlab[job]?.stage)).toEqual([
      'gate',
      'gate',
      'deploy',
    ]);
    const stages = [...(await example('Jenkinsfile')).matchAll(/stage\('([^']+)'\)/g)].map((match) => match[1]);
    expect(stages).toEqual(['gate-with-curl', 'gate-with-aegis', 'deploy']);
  });
});

const allow = {
  decision: 'ALLOW',
  sloID: 'healthy',
  timestamp: '2026-01-15T10:30:00Z',
  ttl: 30,
  sli: { value: 1, errorRate: 0, budgetRemaining: 1 },
  reasons: ['all burn rate checks passed'],
  reasonCodes: ['ok'],
  burnRates: {},
  rules: [],
  notes: [],
  isStale: false,
  hasNoTraffic: false,
};

const json = 'application/json';
const stubAnswers: Readonly<Record<string, readonly [status: number, type: string, body: string]>> = {
  '500 with an ALLOW': [500, json, JSON.stringify(allow)],
  'a redirect': [302, json, JSON.stringify(allow)],
  HTML: [200, 'text/html', '<html><body>Log in to go on. ALLOW</body></html>'],
  empty: [200, json, ''],
  truncated: [200, json, JSON.stringify(allow).slice(0, -10)],
  'of another SLO': [200, json, JSON.stringify({ ...allow, sloID: 'other' })],
  'without a decision': [200, json, JSON.stringify({ ...allow, decision: undefined })],
  'a decision of tomorrow': [200, json, JSON.stringify({ ...allow, decision: 'MAYBE' })],
  'a WARN without codes': [200, json, JSON.stringify({ ...allow, decision: 'WARN', reasonCodes: [] })],
  'a WARN of the Go server': [200, json, JSON.stringify({ ...allow, decision: 'WARN', reasonCodes: undefined })],
  'a WARN with one known and one unknown code': [
    200,
    json,
    JSON.stringify({ ...allow, decision: 'WARN', reasonCodes: ['no_traffic', 'a_code_of_tomorrow'] }),
  ],
};

const steps = [
  ...Object.entries(pipelines).map(([system, { curl }]) => ({ name: `${system}, curl and jq`, shell: curl })),
  { name: 'every system, aegis gate', shell: pipelines.Jenkins?.aegis ?? '' },
];

describe.skipIf(lacks('bash', 'curl', 'jq'))('the gate step of', () => {
  let directory: string;
  let aegis: Running;
  let aegisUrl: string;
  let stub: Server;
  let stubUrl: string;
  let asked = '';
  let shownToken: string | undefined;
  const silent = createTcpServer(() => undefined);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-ci-'));
    const command = join(directory, 'aegis');
    await writeFile(
      command,
      `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/cli.js')}' "$@" --timeout "\${AEGIS_MAX_TIME}s"\n`,
    );
    await chmod(command, 0o755);
    await writeScenarios(directory);
    const port = await freePort();
    aegisUrl = `http://127.0.0.1:${port}`;
    aegis = start(
      process.execPath,
      [
        join(root, 'dist/server.js'),
        `--port=${port}`,
        '--slo-dir=slos',
        '--adapter=synthetic',
        '--synthetic-fixtures=fixtures',
      ],
      { cwd: directory },
    );
    stub = createServer((request, response) => {
      const { authorization, 'x-api-key': key } = request.headers;
      shownToken = authorization ?? (key === undefined ? undefined : `Bearer ${String(key)}`);
      asked = decodeURIComponent(request.url?.split('/')[1] ?? '');
      const [status, type, body] = stubAnswers[asked] ?? [200, 'application/json', asked];
      request.resume().on('end', () => response.writeHead(status, { 'content-type': type }).end(body));
    }).listen(0, '127.0.0.1');
    silent.listen(0, '127.0.0.1');
    await Promise.all([once(stub, 'listening'), once(silent, 'listening')]);
    stubUrl = urlOf(stub);
    await answers(aegis, `${aegisUrl}/readyz`);
  });
  afterAll(async () => {
    stub.closeAllConnections();
    stub.close();
    silent.close();
    await aegis.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const run = (shell: string, url: string, slo: string, boundSeconds = 30, token = '') =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const env = {
        ...process.env,
        PATH: `${directory}:${process.env.PATH ?? ''}`,
        AEGIS_URL: url,
        AEGIS_SLO: slo,
        AEGIS_MAX_TIME: String(boundSeconds),
        AEGIS_TOKEN: token,
      };
      execFile('bash', ['-c', shell], { env, cwd: directory }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
      );
    });

  describe.each(steps)('$name', ({ shell }) => {
    it.each([
      ['ALLOW', 'healthy', 'all burn rate checks passed'],
      ['a WARN for zero traffic', 'zero-traffic', 'zero traffic'],
    ])('goes on with %s', async (_, slo, reason) => {
      const { code, output } = await run(shell, aegisUrl, slo);
      expect(output).toContain(reason);
      expect(code).toBe(0);
    });

    it.each([
      ['BLOCK', 'burning', 'rule fast-burn triggered'],
      ['a WARN for a failed query', 'unmeasured', 'query failed'],
      ['an unknown SLO', 'nobody', 'no evaluation found for SLO: nobody'],
    ])('holds with %s', async (_, slo, reason) => {
      const { code, output } = await run(shell, aegisUrl, slo);
      expect(output).toContain(reason);
      expect(code).not.toBe(0);
    });

    it('asks with the token that it is given, and shows it nowhere', async () => {
      const { output } = await run(shell, `${stubUrl}/x`, 'healthy', 30, 'aegis_ci_s3cr3t');
      expect(shownToken).toBe('Bearer aegis_ci_s3cr3t');
      expect(output).not.toContain('s3cr3t');
      await run(shell, `${stubUrl}/x`, 'healthy');
      expect(shownToken).toBeUndefined();
    });

    it('holds where nothing listens', async () => {
      expect((await run(shell, `http://127.0.0.1:${await freePort()}`, 'healthy', 2)).code).not.toBe(0);
    });

    it('holds where the server accepts and is silent', async () => {
      expect((await run(shell, urlOf(silent), 'healthy', 2)).code).not.toBe(0);
    });

    it.each(Object.keys(stubAnswers))('holds where the answer is %s', async (state) => {
      asked = '';
      const { code } = await run(shell, `${stubUrl}/${encodeURIComponent(state)}`, 'healthy');
      expect(asked).toBe(state);
      expect(code).not.toBe(0);
    });
  });

  it.each([...reasonCodes.filter((code) => code !== 'ok'), 'a_code_of_tomorrow'])(
    'a WARN for %s is judged alike by both forms',
    async (code) => {
      const answer = JSON.stringify({ ...allow, decision: 'WARN', reasonCodes: [code] });
      const codes = await Promise.all(
        steps.slice(-2).map(({ shell }) => run(shell, `${stubUrl}/${encodeURIComponent(answer)}`, 'healthy')),
      );
      const proven = ['rule_triggered', 'no_traffic', 'few_points', 'impossible_data', 'gaps'].includes(code);
      expect(codes.map((one) => one.code === 0)).toEqual([proven, proven]);
    },
  );
});

function urlOf(server: { address(): AddressInfo | string | null }): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return `http://127.0.0.1:${address.port}`;
}

/** One SLO for each state: its fixture decides. `unmeasured` has none. */
async function writeScenarios(directory: string): Promise<void> {
  await mkdir(join(directory, 'slos'));
  await mkdir(join(directory, 'fixtures'));
  const counts = { healthy: [1000, 1000], burning: [700, 1000], 'zero-traffic': [0, 0] };
  for (const id of [...Object.keys(counts), 'unmeasured']) {
    await writeFile(join(directory, `slos/${id}.yaml`), sloText(id));
  }
  for (const [id, [good, total]] of Object.entries(counts)) {
    const windows = Object.fromEntries(['30d', '5m', '1h'].map((window) => [window, { good, total }]));
    await writeFile(join(directory, `fixtures/${id}.json`), JSON.stringify({ windows }));
  }
}

function sloText(id: string): string {
  return `
apiVersion: aegis.slo/v1
kind: SLO
metadata: { id: ${id}, service: shop }
spec:
  environment: production
  objective: 0.99
  complianceWindow: 30d
  evaluationInterval: 30s
  sli:
    type: availability
    good: { prometheusQuery: 'sum(rate(good_total[{{window}}]))' }
    total: { prometheusQuery: 'sum(rate(all_total[{{window}}]))' }
  burnPolicy:
    rules: [{ name: fast-burn, shortWindow: 5m, longWindow: 1h, threshold: 14 }]
  gating: { minDataPoints: 1, stalenessLimit: 5m }
`;
}
