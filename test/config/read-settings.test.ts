import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../src/config/read-settings.ts';
import { settings as table } from '../../src/config/table.ts';
import type { Settings } from '../../src/config/settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'aegis-config-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

type Env = Record<string, string>;

function read(argv: readonly string[], env: Env = {}): Settings {
  const result = readSettings(argv, env);
  if (result.kind !== 'settings') throw new Error(JSON.stringify(result));
  return result.settings;
}

function usage(argv: readonly string[], env: Env = {}): string {
  const result = readSettings(argv, env);
  if (result.kind !== 'usage') throw new Error(`expected a usage error: ${JSON.stringify(result)}`);
  return result.message;
}

const minimal = ['--slo-dir', 'slos'];
const prometheus = [...minimal, '--adapter', 'prometheus', '--prometheus-url', 'http://prometheus:9090'];

describe('bounds of the audit', () => {
  test('are 90 days, and no bound of rows or size', () => {
    expect(read(minimal).retention).toEqual({ maxAgeMs: 90 * 86_400_000, maxRows: 0, maxBytes: 0 });
  });

  test.each([
    ['--audit-retention', '0', { maxAgeMs: 0 }],
    ['--audit-retention', '36h', { maxAgeMs: 36 * 3_600_000 }],
    ['--audit-max-rows', '1000', { maxRows: 1_000 }],
    ['--audit-max-size', '500MiB', { maxBytes: 500 * 2 ** 20 }],
    ['--audit-max-size', '1TiB', { maxBytes: 2 ** 40 }],
  ])('%s %s', (flag, value, retention) => {
    expect(read([...minimal, flag, value]).retention).toMatchObject(retention);
  });

  test.each([
    ['--audit-retention', '59m'],
    ['--audit-retention', '90'],
    ['--audit-max-rows', '999'],
    ['--audit-max-size', '9MiB'],
    ['--audit-max-size', '20GB'],
  ])('%s %s is refused', (flag, value) => {
    expect(usage([...minimal, flag, value])).toMatch(`${flag}: "${value}" is not allowed`);
  });
});

describe('a switch', () => {
  test.each([
    [[], false],
    [['--read-only'], true],
    [['--read-only', 'true'], true],
    [['--read-only=false'], false],
    [['--read-only', '--port', '0'], true],
  ])('%j', (argv, readOnly) => {
    expect(read([...minimal, ...argv]).readOnly).toBe(readOnly);
  });

  test('takes no other word', () => {
    expect(usage([...minimal, '--read-only', 'yes'])).toMatch('--read-only: "yes" is not allowed: true or false');
  });
});

describe('where values come from', () => {
  test('defaults are those of the README', () => {
    expect(read(minimal)).toMatchObject({
      host: '0.0.0.0',
      port: 8080,
      sloDir: 'slos',
      adapter: 'synthetic',
      syntheticFixtures: undefined,
      prometheus: undefined,
      db: 'aegis.db',
      logLevel: 'info',
      evaluationTimeoutMs: 8000,
      shutdownDelayMs: 0,
    });
  });

  test('every variable of the README is read', () => {
    const env = {
      PORT: '9000',
      HOST: '127.0.0.1',
      SLO_DIR: '/slos',
      ADAPTER_TYPE: 'prometheus',
      PROMETHEUS_URL: 'http://p:9090/select/0/prometheus?deny_partial_response=1',
      DB_PATH: '/data/aegis.db',
      LOG_LEVEL: 'DEBUG',
      SYNTHETIC_FIXTURES: '/fixtures',
    };
    const settings = read([], env);
    expect(settings).toMatchObject({
      port: 9000,
      host: '127.0.0.1',
      sloDir: '/slos',
      adapter: 'prometheus',
      db: '/data/aegis.db',
      logLevel: 'debug',
      syntheticFixtures: '/fixtures',
    });
    expect(settings.prometheus?.url.href).toBe(env.PROMETHEUS_URL);
  });

  test('a flag goes before a variable, a variable before the default, an empty variable is none', () => {
    expect(read([...minimal, '--port', '1'], { PORT: '2' }).port).toBe(1);
    expect(read(minimal, { PORT: '2' }).port).toBe(2);
    expect(read(minimal, { PORT: '' }).port).toBe(8080);
  });

  test('a wrong variable behind a right flag is no error', () => {
    expect(read([...minimal, '--port', '1'], { PORT: 'x' }).port).toBe(1);
  });

  test('of a repeated flag the last counts, in either form', () => {
    const settings = read([...minimal, '--adapter=synthetic', ...prometheus.slice(2), '--port=x', '--port', '0']);
    expect(settings.adapter).toBe('prometheus');
    expect(settings.port).toBe(0);
  });

  test('every setting with a variable can be set by it, and its flag names the same setting', () => {
    for (const setting of table) expect(setting.env).toMatch(/^[A-Z][A-Z_]+$/);
    expect(new Set(table.map(({ env }) => env)).size).toBe(table.length);
    expect(new Set(table.map(({ flag }) => flag ?? Symbol())).size).toBe(table.length);
    for (const { fallback, parser } of table) {
      if (fallback !== undefined) expect(parser.parse(fallback)).toBeDefined();
    }
  });
});

describe('the configuration file', () => {
  const config = (text: string) => ['--config', file('aegis.yaml', text)];

  test('goes before the default, behind flags and variables', () => {
    const words = config('port: 1\nhost: h1\ndb: d1\nslo-dir: s1\n');
    expect(read([...words, '--host', 'h2'], { DB_PATH: 'd3' })).toMatchObject({
      port: 1,
      host: 'h2',
      db: 'd3',
      sloDir: 's1',
    });
    expect(read(minimal, { AEGIS_CONFIG: words[1] ?? '' }).port).toBe(1);
    expect(read([...minimal, ...config('# nothing\n')]).port).toBe(8080);
  });

  test('values are the texts that stand there; headers are a list', () => {
    const words = config(
      'prometheus-header: ["X-A: 1", "X-B: 010"]\nlog-level: debug\nprometheus-bearer-token: 0123\n',
    );
    expect(read([...prometheus, ...words])).toMatchObject({
      logLevel: 'debug',
      prometheus: { headers: { 'X-A': '1', 'X-B': '010' }, bearerToken: '0123' },
    });
  });

  test.each([
    ['port: 80a', 'aegis.yaml: port: "80a" is not allowed: a whole number'],
    ['port: 0x50', 'aegis.yaml: port: "0x50" is not allowed'],
    ['port: [1, 2]', 'aegis.yaml: port: not allowed as a list'],
    ['port: {a: 1}', 'not a text or a list of texts'],
    ['db:', 'aegis.yaml: db: "" is not allowed'],
    ['prt: 1', 'aegis.yaml: "prt": no such setting: did you mean port?'],
    ['- port', 'a map of settings'],
    ['port', 'a map of settings'],
    ['port: *p', 'not valid YAML'],
    ['port: 1\ndb: "hunter2', 'not valid YAML (line 2)'],
    ['port: 1\ndb: hunter2\nport: 2', 'aegis.yaml": a setting stands there twice (line 3)'],
    ['prometheus-password: "hunter2\\n"', 'prometheus-password: the value (not shown)'],
  ])('%j is a mistake', (text, expected) => {
    const message = usage([...minimal, ...config(text)]);
    expect(message).toContain(expected);
    expect(message).not.toMatch(/hunter2|\n/);
  });

  test('a file that cannot be read is a mistake', () => {
    expect(usage([...minimal, '--config', join(directory, 'nowhere')])).toContain('there is none');
  });
});

describe('a mistake is one line with the setting, the value and what is allowed', () => {
  test.each<[string[], Env, string]>([
    [['--port', '80a'], {}, '--port: "80a" is not allowed: a whole number from 0 to 65535'],
    [['--port=65536'], {}, '--port: "65536" is not allowed: a whole number from 0 to 65535'],
    [[], { PORT: '0x50' }, 'PORT: "0x50" is not allowed: a whole number from 0 to 65535'],
    [['--adapter', 'influx'], {}, '--adapter: "influx" is not allowed: prometheus or synthetic'],
    [[], { LOG_LEVEL: 'loud' }, 'LOG_LEVEL: "loud" is not allowed: debug, info, warn, error or fatal'],
    [['--host', '300.1.1.1'], {}, '--host: "300.1.1.1" is not allowed: a host name or an IP address'],
    [['--prometheus-attempts', '3'], {}, '--prometheus-attempts: "3" is not allowed: a whole number from 1 to 2'],
    [['--shutdown-delay', '5'], {}, '--shutdown-delay: "5" is not allowed: a duration from 0s to 10m'],
    [['--prometheus-url', 'prometheus:9090'], {}, '--prometheus-url: "prometheus:9090" is not allowed: a URL that'],
    [['--db', ''], {}, '--db: "" is not allowed: a path'],
    [['--db', 'a\nb\0'], {}, '--db: "a\\nb\\u0000" is not allowed: a path'],
    [['--prot', '1'], {}, '--prot: no such flag: did you mean --port?'],
    [['--prot=1'], {}, '--prot: no such flag: did you mean --port?'],
    [['-p', '1'], {}, '-p: no such flag'],
    [['slos'], {}, '"slos" is not a flag'],
    [['--slo-dir'], {}, '--slo-dir: the value is missing'],
    [['--slo-dir', '--adapter', 'synthetic'], {}, '--slo-dir: the value is missing'],
  ])('%j %j', (argv, env, expected) => {
    const message = usage([...minimal, ...argv], env);
    expect(message).toContain(`aegis-server: ${expected}`);
    expect(message).not.toContain('\n');
  });

  test('the directory is required, as is the URL with the adapter prometheus', () => {
    expect(usage([])).toContain('--slo-dir: missing');
    expect(usage([...minimal, '--adapter', 'prometheus'])).toContain('--prometheus-url: missing');
  });

  test('nothing that a person can type throws', () => {
    const word = fc.oneof(
      fc.constantFrom(...table.flatMap(({ flag }) => (flag === undefined ? [] : [flag, `${flag}=`]))),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    const env = fc.dictionary(fc.constantFrom(...table.map((setting) => setting.env)), fc.string({ maxLength: 12 }));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), env, (argv, variables) => {
        const result = readSettings(argv, variables);
        if (result.kind === 'usage') expect(result.message).not.toMatch(/[\n\r]/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what the Prometheus server is asked with', () => {
  const read_ = (argv: readonly string[], env: Env = {}) => read([...prometheus, ...argv], env).prometheus;

  test('user and password are taken out of the URL, decoded', () => {
    const settings = read_(['--prometheus-url', 'https://us%40er:p%3Ass@host/api/prom?x=1']);
    expect(settings).toMatchObject({ username: 'us@er', password: 'p:ss' });
    expect(settings?.url.href).toBe('https://host/api/prom?x=1');
  });

  test('a password on the command line is warned of', () => {
    const result = readSettings([...prometheus, '--prometheus-url', 'http://u:hunter2@h'], {});
    expect(result).toMatchObject({ warnings: [expect.stringContaining('--prometheus-password-file')] });
    expect(readSettings(prometheus, {})).toMatchObject({ warnings: [] });
  });

  test('a flag for a secret puts aside the variable for its other form; at one place both are a mistake', () => {
    const passwordFile = file('password', 'hunter2\n');
    const user = ['--prometheus-username', 'u'];
    const settings = read_([...user, '--prometheus-password-file', passwordFile], { PROMETHEUS_PASSWORD: 'x' });
    expect(settings).toMatchObject({ passwordFile, password: undefined });
    const both = { PROMETHEUS_PASSWORD: 'hunter2', PROMETHEUS_PASSWORD_FILE: passwordFile };
    expect(usage([...prometheus, ...user], both)).toBe(
      'aegis-server: PROMETHEUS_PASSWORD: not allowed together with PROMETHEUS_PASSWORD_FILE',
    );
  });

  test.each<[string, string[], Env]>([
    ['a password without a user', [], { PROMETHEUS_PASSWORD: 'hunter2' }],
    ['a token beside a user', ['--prometheus-username', 'u'], { PROMETHEUS_BEARER_TOKEN: 'hunter2' }],
    ['a token beside a user in the URL', ['--prometheus-url', 'http://u:hunter2@h'], { PROMETHEUS_BEARER_TOKEN: 't' }],
    ['a header beside a token', ['--prometheus-header', 'authorization: hunter2'], { PROMETHEUS_BEARER_TOKEN: 't' }],
    ['a token with a line break', [], { PROMETHEUS_BEARER_TOKEN: 'hunter2\nx' }],
    ['a password with a line break', ['--prometheus-username', 'u'], { PROMETHEUS_PASSWORD: 'hunter2\nx' }],
    ['a header that is none', ['--prometheus-header', 'hunter2'], {}],
    ['a header of the client', ['--prometheus-header', 'Content-Length: hunter2'], {}],
    ['a URL with a password and a space', ['--prometheus-url', 'http://u:hunter2@h x'], {}],
    ['a URL whose password holds a question mark', ['--prometheus-url', 'ftp://u:hunter2?@h'], {}],
    ['a URL with a token in its query', ['--prometheus-url', 'ftp://h/?token=hunter2'], {}],
    ['a mistaken flag with a password', ['--prometheus-pasword=hunter2'], {}],
  ])('%s is a mistake, and the secret is not in the message', (_, argv, env) => {
    expect(usage([...prometheus, ...argv], env)).not.toContain('hunter2');
  });

  test('headers: repeated flags, one a line in the variable, a file; names without regard to case', () => {
    expect(read_(['--prometheus-header', 'X-Scope-OrgID: a', '--prometheus-header', 'X-B:b:c '])?.headers).toEqual({
      'X-Scope-OrgID': 'a',
      'X-B': 'b:c',
    });
    expect(read_([], { PROMETHEUS_HEADERS: 'X-A: 1\nX-B: 2\n' })?.headers).toEqual({ 'X-A': '1', 'X-B': '2' });
    const headersFile = file('headers', '# team\nX-A: file\n\nX-C: file\r\n');
    expect(read_(['--prometheus-headers-file', headersFile, '--prometheus-header', 'x-a: flag'])?.headers).toEqual({
      'x-a': 'flag',
      'X-C': 'file',
    });
    const bad = file('bad-headers', 'X-A: 1\nhunter2\n');
    const message = usage([...prometheus, '--prometheus-headers-file', bad]);
    expect(message).toContain('line 2');
    expect(message).not.toContain('hunter2');
  });

  test('files that are named are read at the start', () => {
    // Keys and issuers are read where they are used; the start ends on them all the same (integration/access.test.ts).
    const elsewhere = ['--log-file', '--api-keys-file', '--oidc-file'];
    const named = table.flatMap(({ flag }) => (flag?.endsWith('-file') ? [flag] : []));
    for (const flag of named.filter((name) => !elsewhere.includes(name))) {
      const message = usage([...prometheus, '--prometheus-username', 'u', flag, join(directory, 'nowhere')]);
      expect(message).toMatch(/nowhere|needs both/);
      expect(message).toContain(flag);
    }
    const directoryMessage = usage([...prometheus, '--prometheus-ca-file', directory]);
    expect(directoryMessage).toContain('it is a directory');
    expect(usage([...prometheus, '--prometheus-ca-file', file('ca.pem', 'no')])).toContain('a PEM file');
    const pair = ['--prometheus-cert-file', file('c.pem', 'no'), '--prometheus-key-file', file('k.pem', 'no')];
    expect(usage([...prometheus, ...pair])).toContain('--prometheus-cert-file');
    expect(
      usage([...prometheus, '--prometheus-username', 'u', '--prometheus-password-file', file('empty', '\n')]),
    ).toContain('a file with one line of text');
  });
});

describe('what is printed and warned of', () => {
  test('the synthetic adapter says so, and that a URL beside it is not used', () => {
    const result = readSettings([...minimal, '--prometheus-url', 'http://p'], {});
    expect(result).toMatchObject({
      warnings: [
        expect.stringContaining('synthetic'),
        expect.stringContaining('--prometheus-url is not used'),
        expect.stringContaining('--synthetic-fixtures is not set'),
      ],
    });
  });

  test('help names every flag and variable; version is that of the package', () => {
    const help = readSettings(['--port', 'x', '--help'], {});
    if (help.kind !== 'print') throw new Error(help.kind);
    for (const setting of table) expect(help.text).toContain(setting.flag ?? setting.env);
    const printed = readSettings(['--version'], {});
    expect(printed.kind === 'print' ? printed.text : printed.kind).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
