import * as parsers from '../parsers.ts';
import { requestLog } from '../request-log.ts';
import { defaulted, optional } from '../setting.ts';

export const logSettings = {
  logLevel: defaulted({
    flag: '--log-level',
    env: 'LOG_LEVEL',
    group: 'Logs',
    placeholder: 'level',
    description: 'least level that is written',
    parser: parsers.oneOf('debug', 'info', 'warn', 'error', 'fatal'),
    fallback: 'info',
    reloadable: true,
  }),
  logFormat: defaulted({
    flag: '--log-format',
    env: 'LOG_FORMAT',
    group: 'Logs',
    placeholder: 'format',
    description: 'JSON lines, or a form for people; auto is pretty on a terminal',
    parser: parsers.oneOf('auto', 'json', 'pretty'),
    fallback: 'auto',
  }),
  logFile: optional({
    flag: '--log-file',
    env: 'LOG_FILE',
    group: 'Logs',
    placeholder: 'file',
    description: 'file to log to in place of standard output; opened again on SIGHUP',
    parser: parsers.path,
  }),
  slowRequestMs: defaulted({
    flag: '--slow-request',
    env: 'SLOW_REQUEST',
    group: 'Logs',
    placeholder: 'duration',
    description: 'requests that take longer are logged as slow_request',
    parser: parsers.duration('1ms', '10m'),
    fallback: '2s',
    reloadable: true,
  }),
  requestLog: optional({
    flag: '--request-log',
    env: 'REQUEST_LOG',
    group: 'Logs',
    placeholder: 'route=level,…',
    description: 'level of the lines of requests, by route; without it info, and of health checks one line a minute',
    parser: requestLog,
    reloadable: true,
  }),
} as const;
