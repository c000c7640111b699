import { format, resolveConfig } from 'prettier';
import type { Machine } from './machine.ts';
import type { PartResults } from './result.ts';
import { markdownTable, short } from './table.ts';

/**
 * The document with the table of each of these parts in place of the one that stands between `<!-- part -->` and
 * `<!-- /part -->`. What else it says stays, and so do the tables of other parts.
 */
export async function withTables(text: string, machine: Machine, parts: readonly PartResults[]): Promise<string> {
  const written = parts.reduce((document, { part, results }) => {
    const [begin, end] = [`<!-- ${part} -->`, `<!-- /${part} -->`];
    const [from, to] = [document.indexOf(begin), document.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the document has no ${begin} before a ${end}`);
    const table = `${takenOn(machine)}\n\n${markdownTable(results)}`;
    return `${document.slice(0, from + begin.length)}\n\n${table}\n\n${document.slice(to)}`;
  }, text);
  return format(written, { ...(await resolveConfig(import.meta.filename)), parser: 'markdown' });
}

function takenOn({ date, commit, cpu, cores, memoryGiB, linux, node, prometheus, load }: Machine): string {
  const software = `Linux ${linux}, Node ${node.slice(1)}, Prometheus ${prometheus}`;
  const day = date.slice(0, 10);
  return `${day}, commit ${commit}; ${cpu}, ${cores} cores, ${memoryGiB} GiB; ${software}; load ${short(load)} before the run.`;
}
