import { AegisError } from '../errors.ts';
import { readFlags } from './flags.ts';
import { commandLine, configurationFile, environment } from './places.ts';
import { readPrometheusSettings } from './prometheus-settings.ts';
import type { Settings } from './settings.ts';
import type { Sources } from './sources.ts';
import { createSources } from './sources.ts';
import type { Setting } from './setting.ts';
import { settings, table } from './table.ts';
import { readTlsSettings } from './tls-settings.ts';

/** The words of each setting; null where nobody says and there is no default. */
export type Told = ReadonlyMap<Setting<unknown>, string | null>;

/** What the start of the server comes to, before anything is opened. */
export type ReadSettings =
  | {
      readonly kind: 'settings';
      readonly settings: Settings;
      readonly warnings: readonly string[];
      /** What each setting was told, in words, to find what has changed when they are read again. */
      readonly told: Told;
    }
  /** Help or version, for stdout; exit code 0. */
  | { readonly kind: 'print'; readonly text: string }
  /** One line for stderr, with the setting, the value and what is allowed; exit code 2. */
  | { readonly kind: 'usage'; readonly message: string };

/**
 * Reads the words after the program's name and the environment: a flag goes before a variable, a variable before the
 * configuration file, that before the default. Files that a setting names are checked here, so that a mistake ends the start and not the first query.
 */
export function readSettings(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): ReadSettings {
  try {
    const flags = readFlags(argv);
    if (flags.kind === 'print') return flags;
    const places = [commandLine(flags.texts), environment(env)];
    const file = createSources(places).one(table.configFile);
    const sources = createSources(file === undefined ? places : [...places, configurationFile(file)]);
    return { kind: 'settings', ...build(sources) };
  } catch (error) {
    if (error instanceof AegisError) return { kind: 'usage', message: `aegis-server: ${error.message}` };
    throw error;
  }
}

function build(sources: Sources): { settings: Settings; warnings: readonly string[]; told: Told } {
  // A value that is wrong is an error even where it is not used: the adapter may be another one tomorrow.
  for (const setting of settings) {
    if (setting.repeatable) sources.all(setting);
    else sources.one(setting);
  }
  const sloDir = sources.one(table.sloDir);
  if (sloDir === undefined)
    throw new AegisError('invalid_setting', `--slo-dir: missing, and required: ${table.sloDir.description}`);
  const adapter = sources.value(table.adapter);
  return {
    settings: {
      host: sources.value(table.host),
      port: sources.value(table.port),
      sloDir: sloDir.value,
      adapter,
      syntheticFixtures: sources.one(table.syntheticFixtures)?.value,
      prometheus: adapter === 'prometheus' ? readPrometheusSettings(sources) : undefined,
      db: sources.value(table.db),
      retention: {
        maxAgeMs: sources.value(table.auditRetentionMs),
        maxRows: sources.value(table.auditMaxRows),
        maxBytes: sources.value(table.auditMaxBytes),
      },
      readOnly: sources.value(table.readOnly),
      logLevel: sources.value(table.logLevel),
      logFormat: sources.value(table.logFormat),
      evaluationTimeoutMs: sources.value(table.evaluationTimeoutMs),
      evaluationConcurrency: sources.value(table.evaluationConcurrency),
      shutdownDelayMs: sources.value(table.shutdownDelayMs),
      adminSocket: sources.one(table.adminSocket)?.value,
      access: {
        keysFile: sources.one(table.apiKeysFile)?.value,
        oidcFile: sources.one(table.oidcFile)?.value,
        openMetrics: sources.value(table.openMetrics),
        trustedProxies: sources.all(table.trustedProxies),
      },
      tls: readTlsSettings(sources),
      rateLimit: sources.value(table.rateLimit),
      forcedRateLimit: sources.value(table.forcedRateLimit),
      maxConnections: sources.value(table.maxConnections),
      logFile: sources.one(table.logFile)?.value,
      slowRequestMs: sources.value(table.slowRequestMs),
      requestLog: sources.one(table.requestLog)?.value ?? new Map(),
    },
    warnings: warningsOf(sources, adapter),
    told: new Map(settings.map((setting) => [setting, sources.told(setting)])),
  };
}

function warningsOf(sources: Sources, adapter: Settings['adapter']): readonly string[] {
  const url = sources.one(table.prometheusUrl);
  const warnings: string[] = [];
  if (adapter === 'synthetic') {
    warnings.push('adapter synthetic: decisions come from fixtures and say nothing about production');
    if (url !== undefined) warnings.push(`${url.name} is not used by the adapter synthetic: set --adapter prometheus`);
    if (sources.one(table.syntheticFixtures) === undefined)
      warnings.push('--synthetic-fixtures is not set: every decision will be WARN');
  } else if (url !== undefined && url.name === table.prometheusUrl.flag && url.value.password !== '') {
    warnings.push(
      '--prometheus-url holds a password, which other users of this machine can read: use --prometheus-password-file',
    );
  }
  return warnings;
}
