import type { Command } from 'commander';
import { Option } from 'commander';
import { commandLine, environment } from '../config/places.ts';
import { readPrometheusSettings } from '../config/prometheus-settings.ts';
import type { PrometheusSettings } from '../config/settings.ts';
import { createSources } from '../config/sources.ts';
import { nameOf, type Setting } from '../config/setting.ts';
import { settings, table } from '../config/table.ts';
import { AegisError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

// Of evaluations, which the check makes none of.
const notHere: ReadonlySet<Setting<unknown>> = new Set<Setting<unknown>>([
  table.prometheusConcurrency,
  table.prometheusAttempts,
]);

/**
 * Adds the server's flags for Prometheus to a command. The result reads them and their variables; undefined where
 * `--prometheus-url` is not given: a variable alone asks for no check.
 */
export function prometheusFlags(command: Command, terminal: Terminal): () => PrometheusSettings | undefined {
  const texts = new Map<Setting<unknown>, readonly string[]>();
  for (const setting of settings) {
    if (setting.group !== 'Prometheus' || setting.flag === undefined || notHere.has(setting)) continue;
    const { flag, placeholder } = setting;
    const about = setting === table.prometheusUrl ? 'check the queries against this server too' : setting.description;
    const fallback = setting.fallback === undefined ? '' : `${setting.fallback}; `;
    const brackets = setting === table.prometheusUrl ? '' : ` [${fallback}${setting.env}]`;
    const option = new Option(`${flag} <${placeholder}>`, `${about}${brackets}`).helpGroup('Prometheus:');
    command.addOption(
      option.argParser((text) => {
        if (text.startsWith('--'))
          throw new AegisError('invalid_setting', `${flag}: the value is missing: ${setting.parser.allowed}`);
        texts.set(setting, [...(texts.get(setting) ?? []), text]);
        return text;
      }),
    );
  }
  return () => {
    const [first] = texts.keys();
    if (first === undefined) return undefined;
    if (!texts.has(table.prometheusUrl))
      throw new AegisError('invalid_setting', `${nameOf(first)}: needs --prometheus-url`);
    return readPrometheusSettings(createSources([commandLine(texts), environment(terminal.env)]));
  };
}
