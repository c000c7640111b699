import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect } from 'vitest';
import { holdReason } from '../../../src/cli/judge.ts';
import type { Answer } from '../../support/gate-server.ts';

const path = fileURLToPath(new URL('../../../docs/faults.md', import.meta.url));

/** A row of the page: what was seen once the fault had lasted beyond every bound. */
export interface PageRow {
  readonly title: string;
  readonly healthy: Answer;
  readonly burning: Answer;
  readonly end: string;
}

/** Compares a table of docs/faults.md with what this run saw, or writes it anew (UPDATE_DOCS=1). */
export async function expectOnPage(section: string, rows: readonly PageRow[]): Promise<void> {
  const table = await format(tableOf(rows), { ...(await resolveConfig(path)), parser: 'markdown' });
  const page = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- ${section}: begin -->\n\n`, `\n<!-- ${section}: end -->`];
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  if (process.env.UPDATE_DOCS === '1') {
    writeFileSync(path, page.slice(0, from) + table + page.slice(to));
    return;
  }
  const hint =
    'docs/faults.md is not what happens: UPDATE_DOCS=1 npx vitest run test/integration/faults writes it anew';
  expect(page.slice(from, to), hint).toBe(table);
}

function tableOf(rows: readonly PageRow[]): string {
  const head = ['fault', 'code', 'reason', 'the client sees', '`aegis gate`', 'how it ends'];
  const lines = rows.map(({ title, healthy, burning, end }) => [
    title,
    quoted(healthy.reasonCodes.filter((code) => code !== 'overdue')),
    quoted(healthy.reasons.filter((reason) => !reason.startsWith('decision is overdue')).map(steady)),
    seenBy(healthy, burning),
    holdReason(judged(healthy), 'unproven') === null ? 'goes on' : 'holds',
    end,
  ]);
  return [head, head.map(() => '-'), ...lines].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

function seenBy(healthy: Answer, burning: Answer): string {
  if (healthy.decision === 'ALLOW') return 'no difference';
  const blocked = burning.decision === 'BLOCK' ? 'a BLOCK stays, measured' : 'a BLOCK is held for two intervals';
  return `${healthy.decision}; ${blocked}`;
}

function judged({ decision, reasonCodes }: Answer): Parameters<typeof holdReason>[0] {
  if (decision !== 'ALLOW' && decision !== 'WARN' && decision !== 'BLOCK') throw new Error(`a decision ${decision}`);
  return { decision, reasonCodes };
}

function quoted(texts: readonly string[]): string {
  return texts.map((text) => `\`${text}\``).join(', ');
}

/** Without what differs from run to run, as being overdue does on a busy machine. */
function steady(reason: string): string {
  return reason.replace(/127\.0\.0\.1:\d+/g, 'HOST:PORT').replace(/another \d+s/g, 'another SECONDS');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
