import * as parsers from '../parsers.ts';
import { defaulted, optional } from '../setting.ts';

export const accessSettings = {
  apiKeysFile: optional({
    flag: '--api-keys-file',
    env: 'AEGIS_API_KEYS_FILE',
    group: 'Access',
    placeholder: 'file',
    description: 'file of API keys, made by `aegis keys`; read again when it changes',
    parser: parsers.path,
  }),
  oidcFile: optional({
    flag: '--oidc-file',
    env: 'AEGIS_OIDC_FILE',
    group: 'Access',
    placeholder: 'file',
    description: 'YAML file of OIDC issuers whose tokens are taken; read again when it changes',
    parser: parsers.path,
  }),
  openMetrics: defaulted({
    flag: '--open-metrics',
    env: 'AEGIS_OPEN_METRICS',
    group: 'Access',
    placeholder: 'boolean',
    description: 'whether /metrics answers without a key where keys are asked for',
    parser: parsers.boolean,
    fallback: 'false',
  }),
  trustedProxies: optional({
    flag: '--trusted-proxy',
    env: 'AEGIS_TRUSTED_PROXIES',
    group: 'Access',
    placeholder: 'address',
    description: 'address or network whose X-Forwarded-* headers are believed; may be repeated (variable: one a line)',
    parser: parsers.network,
    repeatable: true,
  }),
} as const;
