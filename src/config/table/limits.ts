import * as parsers from '../parsers.ts';
import { defaulted } from '../setting.ts';

export const limitSettings = {
  rateLimit: defaulted({
    flag: '--rate-limit',
    env: 'AEGIS_RATE_LIMIT',
    group: 'Limits',
    placeholder: 'number',
    description: 'requests a second of one client; 0 is no limit',
    parser: parsers.rate,
    fallback: '0',
    reloadable: true,
  }),
  forcedRateLimit: defaulted({
    flag: '--forced-rate-limit',
    env: 'AEGIS_FORCED_RATE_LIMIT',
    group: 'Limits',
    placeholder: 'number',
    description: 'forced evaluations (forceFresh) a second of one client; 0 is no limit',
    parser: parsers.rate,
    fallback: '0',
    reloadable: true,
  }),
  maxConnections: defaulted({
    flag: '--max-connections',
    env: 'AEGIS_MAX_CONNECTIONS',
    group: 'Limits',
    placeholder: 'number',
    description: 'connections of clients that are held at once',
    parser: parsers.wholeNumber(1, 1_000_000),
    fallback: '8192',
  }),
} as const;
