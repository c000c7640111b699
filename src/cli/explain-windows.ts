import { reaches } from '../eval/arithmetic.ts';
import type { WindowMeasurement } from '../eval/measurement.ts';
import type { WindowResult } from '../policy/gate-result.ts';
import { roughDuration, roughNumber } from '../policy/wording.ts';
import type { Slo } from '../slo/model.ts';
import type { Evidence } from './explain-evaluation.ts';
import type { Paint } from './terminal.ts';

const titles = ['WINDOW', 'GOOD', 'TOTAL', 'ERROR RATE', 'BURN RATE', 'THRESHOLD', ''];

/** A line for each window; those that burn are red, those that are not known yellow. */
export function windowTable({ slo, measurement, result }: Evidence, paint: Paint): readonly string[] {
  const rows = measurement.windows.map((measured) => {
    const numbers = result.windows.find(({ window }) => window.name === measured.window.name);
    const cells = cellsOf(measured, numbers, thresholdsOf(slo, measured.window.name));
    return { cells: withAge(cells, measured.readAtMs, measurement.evaluatedAtMs), numbers };
  });
  const widths = titles.map((title, at) => Math.max(title.length, ...rows.map(({ cells }) => cells[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const styled = ({ cells, numbers }: (typeof rows)[number]) => {
    const burns = numbers !== undefined && isBurning(numbers, thresholdsOf(slo, numbers.window.name));
    return burns ? paint('red', line(cells)) : numbers?.state === 'ok' ? line(cells) : paint('yellow', line(cells));
  };
  return [paint('dim', line(titles)), ...rows.map(styled)];
}

function cellsOf(measured: WindowMeasurement, numbers: WindowResult | undefined, thresholds: readonly number[]) {
  const { name } = measured.window;
  const limits = thresholds.length === 0 ? '-' : thresholds.map((threshold) => `${threshold.toFixed(2)}x`).join(', ');
  if (measured.state !== 'ok' || typeof numbers?.burnRate !== 'number' || numbers.errorRate === null) {
    const why =
      measured.state === 'failed' ? `${measured.failure.role} failed` : measured.state === 'noData' ? 'no data' : '';
    return [name, '-', '-', '-', '-', limits, why];
  }
  return [
    name,
    measured.goodMissing ? 'no series' : roughNumber(measured.good),
    roughNumber(measured.total),
    `${Number((numbers.errorRate * 100).toPrecision(4))}%`,
    `${numbers.burnRate.toFixed(2)}x`,
    limits,
    isBurning(numbers, thresholds) ? 'burning' : '',
  ];
}

/** What was read for an earlier evaluation says so: `read at 2026-11-20T11:48:00.000Z (kept, 12m old)`. */
function withAge(cells: readonly string[], readAtMs: number, evaluatedAtMs: number): readonly string[] {
  if (readAtMs === evaluatedAtMs) return cells;
  const age = `read at ${new Date(readAtMs).toISOString()} (kept, ${roughDuration(evaluatedAtMs - readAtMs)} old)`;
  return cells.map((cell, at) => (at < cells.length - 1 ? cell : [cell, age].filter((text) => text !== '').join(', ')));
}

/** Of every rule that names the window, each once. */
function thresholdsOf(slo: Slo, window: string): readonly number[] {
  const rules = slo.rules.filter(({ shortWindow, longWindow }) => [shortWindow.name, longWindow.name].includes(window));
  return [...new Set(rules.map(({ threshold }) => threshold))];
}

function isBurning({ state, burnRate }: WindowResult, thresholds: readonly number[]): boolean {
  return state === 'ok' && burnRate !== null && thresholds.some((threshold) => reaches(burnRate, threshold));
}
