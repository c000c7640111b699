import type { Setting } from './setting.ts';
import { settings } from './table.ts';

/** docs/configuration.md, written from the table of settings. */
export function configurationPage(): string {
  const groups = [...new Set(settings.map((setting) => setting.group))];
  return [intro, ...groups.map(groupSection), outro].join('\n\n');
}

const intro = `# Configuration

<!-- Written from src/config/table by \`npm run docs:config\`. -->

\`aegis-server\` takes flags (\`--port 8080\` or \`--port=8080\`) and environment variables. A flag goes before a variable, a variable before the configuration file, that before the default; of a flag that is repeated the last one counts. A variable that is empty counts as not set. A value that is not allowed ends the start with exit code 2 and one line on standard error that names the setting, the value and what is allowed.

The configuration file (\`--config aegis.yaml\`) is a YAML map of the same settings, by the names of their flags without the dashes (those without a flag: of their variables, in lower case with dashes). Headers are a list.

\`\`\`yaml
slo-dir: /etc/aegis/slos
adapter: prometheus
prometheus-url: http://prometheus:9090
prometheus-header:
  - 'X-Scope-OrgID: team-a'
db: /data/aegis.db
\`\`\`

A reload (SIGHUP, or \`POST /admin/reload\`) reads flags, variables and file again and takes over what has *yes* in the column *reload*; what else has changed is named in the log and waits for a restart. One value that is not allowed leaves all as they are. The contents of files that a setting names (keys, certificates, passwords) are read again when they change.`;

const outro = `## Secrets

Passwords and tokens have no flag, since other users of a machine can read the command lines of its processes: give them as a file (read again when it changes) or as a variable. A user and password in \`--prometheus-url\` are taken out of it before it is used or shown. A file and a variable for the same secret, both given as variables, are a mistake; a flag goes before a variable here, too. No value of a secret appears in a log, an answer or an error.

A request to Prometheus carries a user name with its password, or a bearer token, or an \`Authorization\` header of your own: more than one is a mistake. Files are checked at the start.`;

function groupSection(group: string): string {
  const rows = settings.filter((setting) => setting.group === group).map(row);
  return [
    `## ${group}`,
    '',
    '| flag | variable | default | allowed | reload | what it is |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function row(setting: Setting<unknown>): string {
  const cells = [
    setting.flag === undefined ? 'none' : code(setting.flag),
    code(setting.env),
    setting.fallback === undefined ? '' : code(setting.fallback),
    setting.parser.allowed,
    setting.reloadable ? 'yes' : '',
    setting.description,
  ];
  // Angle brackets would be read as HTML.
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '\\<')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
