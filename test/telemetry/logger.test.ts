import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogFields } from '../../src/log.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import type { Logger, LoggerOptions } from '../../src/telemetry/logger.ts';

function capture(options: Partial<LoggerOptions> & { isTerminal?: boolean; maxLines?: number } = {}) {
  const writes: { line: string; urgency: string }[] = [];
  let dropped = 0;
  const logger = createLogger({
    level: 'info',
    format: 'auto',
    host: 'machine',
    ...options,
    destination: {
      isTerminal: options.isTerminal ?? false,
      colours: false,
      output: {
        write: (line, urgency) => writes.push({ line, urgency }),
        flush: () => undefined,
        takeDropped: () => {
          const taken = dropped;
          dropped = 0;
          return taken;
        },
      },
    },
  });
  const lines = () => writes.map(({ line }) => JSON.parse(line) as Record<string, unknown>);
  return { logger, writes, lines, drop: (count: number) => (dropped = count) };
}

describe('a line of plain values', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'http://user:pass@host/',
      'aegis_ci_' + 'x'.repeat(43),
      'eyJhbGciOiJub25l.e30.',
      'a"b',
      '\u2028\u0007\ud800',
      '',
    ),
  );
  const plain = fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(undefined, -0, NaN, Infinity));
  const name = fc.oneof(
    fc.constantFrom(
      'component',
      'slo_id',
      'host',
      'level',
      'message',
      'api_key',
      'token',
      'a"b',
      'toString',
      '__proto__',
    ),
    // Numbers as names would stand first in pino's line; there are none.
    fc.string({ unit: 'binary', minLength: 1 }).filter((word) => !/^\d+$/.test(word)),
  );
  const fields = fc.dictionary(name, plain, { noNullPrototype: true });

  test('is what pino makes of it, byte for byte', () => {
    const { logger, writes } = capture();
    const written = (log: Logger, message: string, more: LogFields) => {
      log.info(message, more);
      return writes.pop()?.line.replace(/"timestamp":"[^"]*"/, '');
    };
    fc.assert(
      fc.property(text, fields, fields, (message, bound, own) => {
        fc.pre(!('zz' in own) && !('zz' in bound));
        const log = logger.child(bound);
        // An object is no plain value: its line is pino's.
        const byPino = written(log, message, { ...own, zz: {} })?.replace(',"zz":{}', '');
        expect(written(log, message, own)).toBe(byPino);
      }),
      { numRuns: 500 },
    );
  });
});

describe('JSON lines', () => {
  test('carry what the convention asks for', () => {
    const { logger, lines, writes } = capture();
    logger.info('Evaluated SLO api: decision=ALLOW, SLI=0.9995', {
      component: 'scheduler',
      slo_id: 'api',
      duration_ms: 3,
    });
    const [line] = lines();
    expect(line).toEqual({
      level: 'info',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
      service: 'aegis-slo',
      host: 'machine',
      component: 'scheduler',
      slo_id: 'api',
      duration_ms: 3,
      message: 'Evaluated SLO api: decision=ALLOW, SLI=0.9995',
    });
    expect(writes[0]?.line).toMatch(/^\{.*\}\n$/);
  });

  test('a child adds its fields, a call goes before them, and no key stands twice', () => {
    const { logger, lines, writes } = capture();
    const child = logger.child({ component: 'api', request_id: '1' });
    child.info('a');
    child.child({ path: '/x' }).info('b', { component: 'audit' });
    logger.info('c');
    expect(lines()).toMatchObject([
      { component: 'api', request_id: '1' },
      { component: 'audit', request_id: '1', path: '/x' },
      { component: 'server' },
    ]);
    expect(writes[1]?.line.match(/"component"/g)).toHaveLength(1);
  });

  test('a field cannot take the place of what every line says of itself', () => {
    const { logger, lines } = capture();
    logger.info('m', { level: 'fatal', message: 'x', timestamp: 1, service: 'x', host: 'client' });
    expect(lines()[0]).toMatchObject({
      level: 'info',
      message: 'm',
      service: 'aegis-slo',
      host: 'machine',
      host_: 'client',
    });
  });

  test('the level decides what is written; warn and above do not wait', () => {
    const { logger, writes } = capture({ level: 'debug' });
    logger.debug('d');
    logger.info('i');
    logger.warn('w');
    logger.error('e');
    logger.fatal('f');
    expect(writes.map(({ urgency }) => urgency)).toEqual(['buffered', 'buffered', 'now', 'now', 'now']);
    const quiet = capture({ level: 'error' });
    quiet.logger.warn('w');
    quiet.logger.error('e');
    expect(quiet.lines()).toMatchObject([{ level: 'error' }]);
  });

  test('lines that were dropped are told of before the next', () => {
    const { logger, lines, drop } = capture();
    drop(7);
    logger.info('next');
    expect(lines().map(({ message }) => message)).toEqual(['7 log lines were dropped: nobody took them', 'next']);
    const quiet = capture({ level: 'fatal' });
    quiet.drop(7);
    quiet.logger.fatal('next');
    expect(quiet.lines()).toHaveLength(2);
  });

  test('an error is its message with those of its causes', () => {
    const { logger, lines } = capture();
    const cause = new Error('no such host http://u:hunter2@h');
    logger.warn('m', { problem: new Error('fetch failed', { cause }) });
    expect(lines()[0]).toMatchObject({ problem: 'fetch failed: no such host http://h' });
  });

  test('nothing that can be in a field makes logging throw', () => {
    const { logger, lines } = capture();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    logger.info('m', {
      circular,
      big: 1n,
      none: undefined,
      symbol: Symbol('x'),
      call: () => 1,
      nan: NaN,
      at: new Date(0),
    });
    expect(lines()[0]).toMatchObject({ message: 'm', at: '1970-01-01T00:00:00.000Z' });
  });
});

describe('secrets', () => {
  test('fields that are called like one, at any depth, are not written', () => {
    const { logger, writes } = capture();
    logger.info('m', {
      password: 'hunter2',
      headers: { Authorization: 'Bearer hunter2', 'x-api-key': 'hunter2', cookie: 'hunter2' },
      list: [{ bearerToken: 'hunter2', clientSecret: 'hunter2' }],
      deep: { a: { b: { c: { d: { e: { f: 'hunter2' } } } } } },
    });
    expect(writes[0]?.line).not.toContain('hunter2');
    expect(writes[0]?.line).toContain('"headers":{"Authorization":"[redacted]"');
  });

  test('a key or token in a path or a message is not written, but whose it is', () => {
    const { logger, lines } = capture();
    const [key, token] = [`aegis_ci-1_${'k'.repeat(43)}`, 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmVk'];
    logger.info(`no such path: /v1/${token}`, { path: `/v1/slo/${key}`, list: [`${key}x`, `a ${token}, b`] });
    expect(lines()[0]).toMatchObject({
      message: 'no such path: /v1/[redacted]',
      path: '/v1/slo/aegis_ci-1_[redacted]',
      list: ['aegis_ci-1_[redacted]', 'a [redacted], b'],
    });
  });

  test('the user and password of a URL are left out of messages and fields', () => {
    const { logger, lines } = capture();
    logger.error('cannot reach http://user:hun@ter2@prom:9090/x?a=b@c, nor https://user@other', {
      url: new URL('http://u:p@h/'),
    });
    expect(lines()[0]).toMatchObject({
      message: 'cannot reach http://prom:9090/x?a=b@c, nor https://other',
      url: 'http://h/',
    });
  });
});

describe('the form for people', () => {
  test('auto takes it on a terminal only; each line is written at once', () => {
    const { logger, writes } = capture({ isTerminal: true });
    logger.info('Loaded 3 SLOs', { component: 'catalogue', slo_id: 'x' });
    expect(writes).toEqual([
      {
        line: expect.stringMatching(
          /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: catalogue: Loaded 3 SLOs \{"slo_id":"x"\}\n$/,
        ) as unknown,
        urgency: 'now',
      },
    ]);
  });

  test('the format can be set', () => {
    const pretty = capture({ format: 'pretty' });
    pretty.logger.info('a');
    expect(pretty.writes[0]?.line).toContain('INFO: server: a');
    const json = capture({ format: 'json', isTerminal: true });
    json.logger.info('a');
    expect(json.lines()[0]).toMatchObject({ message: 'a' });
  });

  test('control characters from outside do not reach the terminal', () => {
    const { logger, writes } = capture({ format: 'pretty' });
    logger.info('bad\u001b[2Jness\r\n\u007f\u009b', { detail: '\u001b[2J' });

    expect(writes[0]?.line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});
