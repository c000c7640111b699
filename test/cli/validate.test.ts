import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aegis } from './aegis.ts';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'aegis-validate-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

let made = 0;

/** A directory with these files. */
async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  made += 1;
  const path = join(scratch, String(made));
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

const slo = (id: string) => `apiVersion: aegis.slo/v1
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
    good:
      prometheusQuery: sum(rate(http_requests_total{status!~"5.."}[{{window}}]))
    total:
      prometheusQuery: sum(rate(http_requests_total[{{window}}]))
  burnPolicy:
    rules:
      - name: fast-burn
        shortWindow: 5m
        longWindow: 1h
        threshold: 14
  gating:
    minDataPoints: 10
    stalenessLimit: 10m
`;

describe('aegis validate', () => {
  test('valid files: exit code 0 and the numbers', async () => {
    const path = await directory({
      'a.yaml': slo('one-slo'),
      'deep/b.yml': `${slo('two-slo')}---\n${slo('three-slo')}`,
    });
    expect(await aegis(['validate', '--dir', path])).toEqual({
      code: 0,
      out: '2 files, 3 SLOs valid, 0 errors, 0 warnings\n',
      err: '',
    });
  });

  test('warnings do not make files invalid', async () => {
    const path = await directory({ 'a.yaml': slo('one-slo'), 'empty.yaml': '# later\n' });
    const ran = await aegis(['validate', '--dir', path]);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('empty.yaml:');
    expect(ran.out).toContain('warning: ');
    expect(ran.out).toContain('2 files, 1 SLO valid, 0 errors, 1 warning\n');
  });

  test('an error has its place, the line itself and a caret under the value', async () => {
    const path = await directory({ 'a.yaml': slo('one-slo').replace('0.995', '99.5'), 'good.yaml': slo('two-slo') });
    const ran = await aegis(['validate', '--dir', path]);
    expect(ran.code).toBe(1);
    const [head = '', line, caret] = ran.out.split('\n');
    expect(head).toMatch(/a\.yaml:8:14: error: spec\.objective: .*99\.5/);
    expect(line).toBe('    8 |   objective: 99.5');
    expect(caret).toBe('      |              ^');
    expect(ran.out).toContain('2 files, 1 SLO valid, 1 error, 0 warnings\n');
    expect(ran.err).toBe('');
  });

  test('all errors of all files are told', async () => {
    const path = await directory({
      'a.yaml': slo('one-slo').replace('30d', 'one month').replace('kind: SLO', 'kind: SLA'),
      'b.yaml': 'apiVersion: [aegis\n  kind: {',
      'c.yaml': slo('three-slo').replace('  service: api-gateway\n', ''),
    });
    const ran = await aegis(['validate', '--dir', path]);
    expect(ran.code).toBe(1);
    for (const part of ['a.yaml:2:', 'a.yaml:9:', 'b.yaml:', 'c.yaml:', 'complianceWindow', 'kind', 'service'])
      expect(ran.out).toContain(part);
    expect(ran.out).toMatch(/3 files, 0 SLOs valid, [4-9] errors/);
  });

  test('an id that stands in two files names both', async () => {
    const path = await directory({ 'a.yaml': slo('dup-slo'), 'b.yaml': slo('dup-slo'), 'c.yaml': slo('other-slo') });
    const ran = await aegis(['validate', '--dir', path]);
    expect(ran.code).toBe(1);
    for (const part of ['a.yaml', 'b.yaml', 'dup-slo']) expect(ran.out).toContain(part);
    expect(ran.out).toContain('3 files, 1 SLO valid,');
  });

  test('for programs: every problem with its place', async () => {
    const path = await directory({ 'a.yaml': slo('one-slo').replace('0.995', '99.5') });
    const ran = await aegis(['validate', '--dir', path, '--format', 'json']);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toMatchObject({
      valid: false,
      files: 1,
      validSlos: 0,
      errors: 1,
      warnings: 0,
      problems: [{ severity: 'error', line: 8, column: 14, path: 'spec.objective' }],
    });
  });

  test('a directory without SLO files is not valid: it is not the one that was meant', async () => {
    const ran = await aegis(['validate', '--dir', await directory({ 'notes.txt': 'x' })]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('no SLO files');
  });

  test('colours where they are asked for', async () => {
    const path = await directory({ 'a.yaml': slo('one-slo').replace('0.995', '99.5') });
    expect((await aegis(['validate', '--dir', path], { FORCE_COLOR: '1' })).out).toContain('\u001b[31merror:');
    expect((await aegis(['validate', '--dir', path])).out).not.toContain('\u001b');
  });
});

describe('usage', () => {
  test.each<[string[], string]>([
    [[], 'aegis validate: --dir: missing'],
    [['--dir'], 'aegis validate: --dir: the value is missing'],
    [
      ['--dir', '/nowhere/slos'],
      'aegis validate: --dir: "/nowhere/slos" is not allowed: a directory that can be read; no such',
    ],
    [
      ['--dir', '/dev/null'],
      'aegis validate: --dir: "/dev/null" is not allowed: a directory that can be read; not a directory',
    ],
    [['--dir', '.', '--format', 'xml'], 'aegis validate: --format: "xml" is not allowed: text or json'],
    [['slos'], 'aegis validate: '],
  ])('%j', async (words, message) => {
    const ran = await aegis(['validate', ...words]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
    expect(ran.err.trimEnd()).not.toContain('\n');
  });
});
