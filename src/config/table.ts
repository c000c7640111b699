import type { Setting } from './setting.ts';
import { accessSettings } from './table/access.ts';
import { auditSettings } from './table/audit.ts';
import { decisionSettings } from './table/decisions.ts';
import { limitSettings } from './table/limits.ts';
import { logSettings } from './table/logs.ts';
import { prometheusSettings } from './table/prometheus.ts';
import { serverSettings } from './table/server.ts';
import { tlsSettings } from './table/tls.ts';

/** Every setting of the server, the only place where one is named. docs/configuration.md is written from it. */
export const table = {
  ...serverSettings,
  ...accessSettings,
  ...tlsSettings,
  ...limitSettings,
  ...decisionSettings,
  ...prometheusSettings,
  ...auditSettings,
  ...logSettings,
} as const;

/** All settings in the order of the table, for those that treat them alike. */
export const settings: readonly Setting<unknown>[] = Object.values(table);
