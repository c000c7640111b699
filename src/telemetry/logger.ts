import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Settings } from '../config/settings.ts';
import type { Log, LogFields } from '../log.ts';
import { flatLines } from './flat-lines.ts';
import type { Output } from './output.ts';
import { createOutput } from './output.ts';
import { redactField, redactText } from './redact.ts';
import { visible } from './visible.ts';

export interface Logger extends Log {
  /** The process is about to end because of this. */
  fatal(message: string, fields?: LogFields): void;
  /** Changes the least level that is written, for all of its children too. */
  setLevel(level: Level): void;
  /** A logger whose lines carry these fields, too. */
  child(fields: LogFields): Logger;
  /** Writes what waits, and returns when it is written or, where nobody reads, after a second. Safe at exit. */
  flush(): void;
}

export interface LoggerOptions {
  readonly level: Settings['logLevel'];
  readonly format: Settings['logFormat'];
  /** Standard output where absent. */
  readonly destination?: LogDestination;
  /** `host` of every line; the machine's name where absent. */
  readonly host?: string;
}

export interface LogDestination {
  readonly output: Output;
  readonly isTerminal: boolean;
  readonly colours: boolean;
}

type Level = Settings['logLevel'];

// What every line says of itself; a field of such a name would stand in the line twice.
const ownNames = new Set(['timestamp', 'level', 'service', 'host', 'message']);
const urgentLevels: ReadonlySet<Level> = new Set(['warn', 'error', 'fatal'] as const);
const flushBoundMs = 1000;

/** The log of docs/operations.md: JSON lines, or a form for people, `component` being `server` where a line names none. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? standardOutput();
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && destination.isTerminal);
  const render = isPretty ? prettyLines(destination.colours) : (line: string) => line;
  const { output } = destination;
  // pino writes a line before its call returns, so this is the urgency of that line.
  let urgency: 'now' | 'buffered' = 'now';
  const base = { service: 'aegis-slo', host: options.host ?? hostname() };
  const timestamp = timestamps();
  const engine = pino(
    {
      level: options.level,
      messageKey: 'message',
      base,
      timestamp,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => output.write(render(line), urgency) },
  );
  const ofEveryLine = `,${JSON.stringify(base).slice(1, -1)}`;
  const flatLine = flatLines(() => timestamp() + ofEveryLine, ownNames);
  const write: Write = (level, message, bound, fields) => {
    if (!engine.isLevelEnabled(level)) return;
    const dropped = output.takeDropped();
    if (dropped > 0) {
      const told = engine.isLevelEnabled('warn') ? 'warn' : level;
      engine[told]({ component: 'log' }, `${dropped} log lines were dropped: nobody took them`);
    }
    // A form for people is for somebody who watches: its lines do not wait for each other.
    urgency = isPretty || urgentLevels.has(level) ? 'now' : 'buffered';
    const line = flatLine(level, message, bound, fields ?? {});
    if (line === undefined) engine[level](lineFields(bound, fields), redactText(message));
    else output.write(render(line), urgency);
  };
  return loggerOf(
    {
      write,
      writes: (level) => engine.isLevelEnabled(level),
      setLevel: (level) => (engine.level = level),
      flush: () => output.flush(flushBoundMs),
    },
    { component: 'server' },
  );
}

type Write = (level: Level, message: string, bound: LogFields, fields: LogFields | undefined) => void;

interface Engine extends Pick<Logger, 'writes' | 'setLevel' | 'flush'> {
  readonly write: Write;
}

function loggerOf(engine: Engine, bound: LogFields): Logger {
  const { write, writes, setLevel, flush } = engine;
  const at = (level: Level) => (message: string, fields?: LogFields) => write(level, message, bound, fields);
  return {
    writes,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => loggerOf(engine, { ...bound, ...fields }),
    setLevel,
    flush,
  };
}

/** Where both have a field of a name, the call's. */
function lineFields(bound: LogFields, fields: LogFields = {}): Record<string, unknown> {
  // Not by assignment, in which `__proto__` is no name.
  return Object.fromEntries([...lineEntries(bound), ...lineEntries(fields)]);
}

function lineEntries(fields: LogFields): (readonly [string, unknown])[] {
  return Object.entries(fields).map(([name, value]) => [
    ownNames.has(name) ? `${name}_` : name,
    redactField(name, value),
  ]);
}

/** `,"timestamp":"…"` of now; lines of one millisecond share the text. */
function timestamps(): () => string {
  let lastMs = 0;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== lastMs) text = `,"timestamp":"${new Date(nowMs).toISOString()}"`;
    lastMs = nowMs;
    return text;
  };
}

function prettyLines(colours: boolean): (line: string) => string {
  return prettyFactory({
    colorize: colours,
    levelKey: 'level',
    messageKey: 'message',
    timestampKey: 'timestamp',
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: (line) => visible(`${String(line.component)}: ${String(line.message)}`),
    ignore: 'service,host,component',
    singleLine: true,
  });
}

function standardOutput(): LogDestination {
  // Touching process.stdout makes a pipe on its descriptor one that does not block (output.ts relies on it).
  const { fd } = process.stdout;
  const isTerminal = isatty(fd);
  const { NO_COLOR: noColour = '' } = process.env;
  return { output: createOutput(fd), isTerminal, colours: isTerminal && noColour === '' };
}
