import { roughDuration, wholePercent } from '../policy/wording.ts';
import { withoutSecrets } from '../config/url.ts';
import type { Decision } from '../slo/decision.ts';
import { visible } from '../telemetry/visible.ts';
import { decisionStyles, worstFirst } from './decision-style.ts';
import type { ListedSlo, ServerStatus } from './status-answer.ts';
import type { Paint } from './terminal.ts';

/** Why a server cannot be asked, and since when. */
export interface Silence {
  readonly why: string;
  readonly forMs: number;
}

/** What is shown: what a server told some time ago, and whether it still answers. */
export interface StatusView {
  /** As `shownServer` gives it. */
  readonly server: string;
  readonly atMs: number;
  /** null where it never answered. */
  readonly status: ServerStatus | null;
  /** Since the answer. */
  readonly elapsedMs: number;
  readonly silence: Silence | null;
}

/** Without user, password and query. */
export function shownServer(server: URL): string {
  return withoutSecrets(server.href).replace(/\/$/, '');
}

export interface StatusRow extends ListedSlo {
  readonly ageMs: number | null;
}

/** The SLOs at the age that they have by now, the worst first. An answer that was not renewed must not stay an ALLOW. */
function rowsAt({ status, elapsedMs }: StatusView): readonly StatusRow[] {
  const rows = (status?.slos ?? []).map((slo) => agedBy(slo, elapsedMs));
  return rows.sort(
    (a, b) =>
      worstFirst[a.decision] - worstFirst[b.decision] ||
      (a.budgetRemaining ?? -1) - (b.budgetRemaining ?? -1) ||
      (a.sloID < b.sloID ? -1 : 1),
  );
}

/** The server's rule for what is overdue, on its last word. */
function agedBy(slo: ListedSlo, elapsedMs: number): StatusRow {
  if (slo.age === null) return { ...slo, ageMs: null };
  const ageMs = slo.age * 1000 + elapsedMs;
  if (ageMs <= 2 * slo.ttl * 1000 || slo.reasonCodes.includes('overdue')) return { ...slo, ageMs };
  return {
    ...slo,
    ageMs,
    decision: slo.decision === 'ALLOW' ? 'WARN' : slo.decision,
    reasons: [...slo.reasons, `decision is overdue (evaluated ${roughDuration(ageMs)} ago)`],
    reasonCodes: [...slo.reasonCodes.filter((code) => code !== 'ok'), 'overdue'],
  };
}

/** For programs: stable keys. Of a server that does not answer nothing is told but that. */
export function statusDocument(view: StatusView) {
  const { server, atMs, status, silence } = view;
  const isAnswered = silence === null && status !== null;
  const rows = isAnswered ? rowsAt(view) : [];
  return {
    server,
    at: new Date(atMs).toISOString(),
    answered: isAnswered,
    why: silence?.why ?? null,
    silentSince: silence === null ? null : new Date(atMs - silence.forMs).toISOString(),
    version: isAnswered ? (status.about?.version ?? null) : null,
    adapter: isAnswered ? (status.about?.adapter ?? null) : null,
    ready: isAnswered ? (status.readiness?.ready ?? null) : null,
    role: isAnswered ? (status.readiness?.role ?? null) : null,
    readiness: isAnswered ? (status.readiness?.reasons ?? []) : [],
    slos: rows.map(({ ageMs, ...slo }) => ({ ...slo, age: ageMs === null ? null : Math.round(ageMs) / 1000 })),
  };
}

/** For people: what the server is, and a line for each SLO; cut to the screen where there is one. */
export function statusLines(
  view: StatusView,
  paint: Paint,
  size?: { readonly columns: number; readonly rows: number },
): readonly string[] {
  const width = size?.columns ?? Infinity;
  const cut = (text: string) => (text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text);
  const rows = rowsAt(view);
  const head = headLines(view, rows).map(([text, isBad]) => (isBad ? paint('red', cut(text)) : cut(text)));
  if (rows.length === 0) return head;
  const table = tableLines(rows, view.silence !== null, cut, paint);
  // The heads, an empty line, the titles, and one line free for the cursor.
  const room = size === undefined ? Infinity : Math.max(1, size.rows - head.length - 3);
  const [titles = '', ...lines] = table;
  if (lines.length <= room) return [...head, '', titles, ...lines];
  const hidden = rows.slice(room - 1);
  return [...head, '', titles, ...lines.slice(0, room - 1), cut(`and ${hidden.length} more: ${countsOf(hidden)}`)];
}

type HeadLine = readonly [text: string, isBad: boolean];

const mostReasons = 5;

function headLines({ server, status, silence, elapsedMs, atMs }: StatusView, rows: readonly StatusRow[]) {
  const lines: HeadLine[] = [];
  const { about = null, readiness = null } = status ?? {};
  const words = [
    visible(server),
    ...(about === null ? [] : [visible(`aegis ${about.version}`), visible(about.adapter)]),
    ...(readiness?.role === undefined ? [] : [visible(readiness.role)]),
  ];
  if (silence === null) {
    const ready = readiness === null ? [] : [readiness.ready ? 'ready' : 'NOT READY'];
    lines.push([[...words, ...ready].join('  '), readiness?.ready === false]);
    const reasons = readiness?.reasons ?? [];
    for (const reason of reasons.slice(0, mostReasons)) lines.push([`  ${visible(reason)}`, true]);
    if (reasons.length > mostReasons) lines.push([`  and ${reasons.length - mostReasons} more`, true]);
    lines.push([countsOf(rows), false]);
    return lines;
  }
  lines.push([`${words.join('  ')}  NO ANSWER for ${roughDuration(silence.forMs)}: ${visible(silence.why)}`, true]);
  if (status === null) return lines;
  const told = new Date(atMs - elapsedMs).toISOString().replace(/\.\d+Z$/, 'Z');
  lines.push([`  no decision can be had; the last that was told, at ${told}:`, true]);
  return lines;
}

function countsOf(rows: readonly StatusRow[]): string {
  const count = (decision: Decision) => rows.filter((row) => row.decision === decision).length;
  const parts = (['BLOCK', 'WARN', 'ALLOW'] as const).map((one) => [count(one), one] as const);
  const told = parts.filter(([number]) => number > 0).map(([number, decision]) => `${number} ${decision}`);
  return `${rows.length} ${rows.length === 1 ? 'SLO' : 'SLOs'}${told.length > 0 ? `: ${told.join(', ')}` : ''}`;
}

const titles = ['DECISION', 'SLO', 'SERVICE', 'ENVIRONMENT', 'BUDGET', 'AGE', 'WHY'];

/** The titles and a line for each row. What was told before the server fell silent is `was …`, and has no colour. */
function tableLines(
  rows: readonly StatusRow[],
  isPast: boolean,
  cut: (text: string) => string,
  paint: Paint,
): readonly string[] {
  const cells = rows.map((row) => cellsOf(row, isPast));
  const widths = titles.map((title, at) =>
    cells.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), title.length),
  );
  const line = (row: readonly string[]) =>
    cut(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  const styled = (row: StatusRow, text: string) => {
    if (isPast) return paint('dim', text);
    return `${paint(decisionStyles[row.decision], row.decision)}${text.slice(row.decision.length)}`;
  };
  return [paint('dim', line(titles)), ...rows.map((row, at) => styled(row, line(cells[at] ?? [])))];
}

function cellsOf(row: StatusRow, isPast: boolean): readonly string[] {
  return [
    isPast ? `was ${row.decision}` : row.decision,
    visible(row.sloID),
    visible(row.service),
    visible(row.environment),
    row.budgetRemaining === null ? '-' : wholePercent(row.budgetRemaining),
    row.ageMs === null ? '-' : roughDuration(row.ageMs),
    visible(whyOf(row)),
  ];
}

/** The rules that burn, and in a word what is not known. */
function whyOf({ triggeredRules, reasonCodes }: StatusRow): string {
  const rules = triggeredRules.map((name) => `rule ${name}`);
  const codes = reasonCodes.filter((code) => code !== 'ok' && !(code === 'rule_triggered' && rules.length > 0));
  return [...new Set([...rules, ...codes])].join(', ');
}
