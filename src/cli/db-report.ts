/** A size for people, in units of 1024. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const amount = bytes / 1024 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[power] ?? ''}`;
}

/** Columns under their names, numbers to the right. */
export function tableText(names: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [names, ...rows.map((row) => row.map(String))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumber = names.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  const cell = (text: string, column: number) =>
    isNumber[column] === true ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return lines.map((line) => `${line.map(cell).join('  ').trimEnd()}\n`).join('');
}

export function contentsText(
  tables: readonly { name: string; rows: number; oldest: string | null; newest: string | null }[],
): string {
  const rows = tables.map(({ name, rows, oldest, newest }) => [name, rows, oldest ?? '-', newest ?? '-']);
  return tableText(['TABLE', 'ROWS', 'OLDEST', 'NEWEST'], rows);
}

/** `1234 rows (evaluations 1000, served_decisions 234)` */
export function rowsText(tables: readonly { name: string; rows: number }[]): string {
  const all = tables.reduce((sum, { rows }) => sum + rows, 0);
  const named = tables.filter(({ rows }) => rows > 0).map(({ name, rows }) => `${name} ${rows}`);
  return `${all} rows${named.length === 0 ? '' : ` (${named.join(', ')})`}`;
}
