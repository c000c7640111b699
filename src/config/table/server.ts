import * as parsers from '../parsers.ts';
import { defaulted, optional } from '../setting.ts';

export const serverSettings = {
  port: defaulted({
    flag: '--port',
    env: 'PORT',
    group: 'Server',
    placeholder: 'number',
    description: 'port to listen on; 0 takes a free one',
    parser: parsers.wholeNumber(0, 65535),
    fallback: '8080',
  }),
  host: defaulted({
    flag: '--host',
    env: 'HOST',
    group: 'Server',
    placeholder: 'address',
    description: 'address to listen on',
    parser: parsers.host,
    fallback: '0.0.0.0',
  }),
  configFile: optional({
    flag: '--config',
    env: 'AEGIS_CONFIG',
    group: 'Server',
    placeholder: 'file',
    description: 'YAML file of settings, by the names of their flags without the dashes',
    parser: parsers.path,
  }),
  shutdownDelayMs: defaulted({
    flag: '--shutdown-delay',
    env: 'SHUTDOWN_DELAY',
    group: 'Server',
    placeholder: 'duration',
    description: 'how long to go on answering after SIGTERM while /readyz is 503 already',
    parser: parsers.duration('0s', '10m'),
    fallback: '0s',
    reloadable: true,
  }),
  adminSocket: optional({
    flag: '--admin-socket',
    env: 'AEGIS_ADMIN_SOCKET',
    group: 'Server',
    placeholder: 'path',
    description: 'Unix socket (mode 0600) on which the whole API, orders included, answers without a key',
    parser: parsers.path,
  }),
  readOnly: defaulted({
    flag: '--read-only',
    env: 'AEGIS_READ_ONLY',
    group: 'Server',
    placeholder: 'boolean',
    description: 'be a replica: evaluate and answer, but write nothing to the audit, which is read where it can be',
    parser: parsers.boolean,
    fallback: 'false',
  }),
} as const;
