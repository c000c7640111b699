import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { AegisError, messageOf } from '../errors.ts';
import { parseSloFile } from '../slo/parse.ts';
import { promptOnTerminal, type Prompt } from './prompt.ts';
import type { Draft, Indicator } from './slo-draft.ts';
import { answerTo, type Field } from './slo-fields.ts';
import { sloFile } from './slo-file.ts';
import * as parse from './slo-parsers.ts';
import type { NewSloFields } from './slo-new-fields.ts';
import type { Terminal } from './terminal.ts';

/** Asks for what no flag said, writes the file, and says what to do with it. */
export async function newSlo(terminal: Terminal, fields: NewSloFields, isForced: boolean): Promise<void> {
  const out = fields.out.given();
  if (out !== undefined && !isForced && existsSync(out)) throw isThere(out);
  const prompt = promptOnTerminal();
  let text: string;
  try {
    text = checked(sloFile(await draftOf(fields, prompt)));
  } finally {
    prompt?.close();
  }
  if (out === undefined) return terminal.out(text);
  await write(out, text, isForced);
  await terminal.err(
    `aegis slo: ${out} is written; check it against your series: aegis validate --dir DIR --prometheus-url URL\n`,
  );
}

async function draftOf(fields: NewSloFields, prompt: Prompt | undefined): Promise<Draft> {
  const service = await answerTo(fields.service, prompt);
  const kind = await answerTo(fields.kind, prompt, prompt && 'availability');
  const id = await answerTo(fields.id, prompt, suggestedId(service, kind));
  const environment = await answerTo(fields.environment, prompt, 'production');
  const owner = await answerTo(fields.owner, prompt, '-');
  const indicator = await indicatorOf(kind, fields, prompt);
  return {
    id,
    service,
    environment,
    owner: owner === '-' ? undefined : owner,
    indicator,
    selector: await answerTo(fields.selector, prompt, `job=${promqlString(service)}`),
    objective: await answerTo(fields.objective, prompt, prompt && '99.9%'),
    noTraffic: kind === 'gauge' ? 'WARN' : decisions[await answerTo(fields.noTraffic, prompt, 'warn')],
    scrapeIntervalMs: await answerTo(fields.scrapeInterval, prompt, '30s'),
  };
}

const decisions = { warn: 'WARN', allow: 'ALLOW', block: 'BLOCK' } as const;

async function indicatorOf(
  kind: Indicator['kind'],
  fields: NewSloFields,
  prompt: Prompt | undefined,
): Promise<Indicator> {
  const metric = (fallback?: string) => answerTo(fields.metric, prompt, fallback);
  switch (kind) {
    case 'availability':
      return {
        kind,
        metric: await metric('http_requests_total'),
        errors: await answerTo(fields.errors, prompt, 'status=~"5.."'),
      };
    case 'latency':
      return {
        kind,
        metric: parse.histogramOf(await metric('http_request_duration_seconds')),
        thresholdMs: await answerTo(fields.threshold, prompt),
      };
    case 'errors': {
      const all = await metric();
      return { kind, metric: all, errorMetric: await other(all, fields.errorMetric, prompt) };
    }
    case 'gauge':
      return { kind, metric: await metric(), below: await answerTo(fields.below, prompt) };
  }
}

/** A counter that were both would say that everything fails. */
async function other(metric: string, field: Field<string>, prompt: Prompt | undefined): Promise<string> {
  const found = await answerTo(field, prompt);
  if (found === metric)
    throw new AegisError('invalid_setting', `${field.name}: ${found} is the counter of all events too (--metric)`);
  return found;
}

/** Undefined where the service's name is no id: then it has to be said. */
function suggestedId(service: string, kind: string): string | undefined {
  return parse.sloId.parse(`${service}-${kind}`);
}

/** The text as PromQL reads it between quotes (Go's escapes; there are no control characters in it). */
function promqlString(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** What the server would not take, or would warn of, is not written. */
function checked(text: string): string {
  const [problem] = parseSloFile(text, 'slo').problems;
  if (problem === undefined) return text;
  throw new AegisError('invalid_setting', `no file can be made of this: ${problem.path}: ${problem.message}`);
}

/** What is written over changes as a whole: a server that watches the directory sees it before or after. */
async function write(file: string, text: string, isForced: boolean): Promise<void> {
  const next = isForced ? `${file}.${process.pid}.new` : file;
  try {
    await writeFile(next, text, { flag: 'wx' });
    if (isForced) await rename(next, file);
  } catch (error) {
    if (isForced) await rm(next, { force: true });
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw isThere(next);
    throw new AegisError(
      'invalid_setting',
      `--out: ${JSON.stringify(file)}: it cannot be written (${messageOf(error)})`,
    );
  }
}

function isThere(file: string): AegisError {
  return new AegisError('invalid_setting', `--out: ${JSON.stringify(file)} is there already: --force writes over it`);
}
