import * as parsers from '../parsers.ts';
import { defaulted } from '../setting.ts';

export const auditSettings = {
  db: defaulted({
    flag: '--db',
    env: 'DB_PATH',
    group: 'Audit',
    placeholder: 'file',
    description: 'SQLite database of the audit',
    parser: parsers.path,
    fallback: 'aegis.db',
  }),
  auditRetentionMs: defaulted({
    flag: '--audit-retention',
    env: 'AUDIT_RETENTION',
    group: 'Audit',
    placeholder: 'duration',
    description: 'how long rows of the audit are kept; 0 keeps them for ever',
    parser: parsers.durationOrNone('1h', '36500d'),
    fallback: '90d',
    reloadable: true,
  }),
  auditMaxRows: defaulted({
    flag: '--audit-max-rows',
    env: 'AUDIT_MAX_ROWS',
    group: 'Audit',
    placeholder: 'number',
    description: 'evaluations that are kept at most, and served decisions; beyond it the oldest go; 0 is no bound',
    parser: parsers.wholeNumberOrNone(1000, 999_999_999),
    fallback: '0',
    reloadable: true,
  }),
  auditMaxBytes: defaulted({
    flag: '--audit-max-size',
    env: 'AUDIT_MAX_SIZE',
    group: 'Audit',
    placeholder: 'size',
    description: 'size that the database may reach; beyond it the oldest rows go; 0 is no bound',
    parser: parsers.sizeOrNone('10MiB', '100TiB'),
    fallback: '0',
    reloadable: true,
  }),
} as const;
