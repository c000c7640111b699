import { readFile } from 'node:fs/promises';
import { createLiveSource, type LiveSource } from '../adapter/prometheus/live/source.ts';
import type { LoadedSlo } from '../catalogue/ports.ts';
import { systemClock } from '../clock.ts';
import type { PrometheusSettings } from '../config/settings.ts';
import { warning, type Finding } from '../slo/finding.ts';
import { placeInFile } from '../slo/place-in-file.ts';
import type { Problem } from '../slo/problem.ts';
import { createAsker, longestCheckMs, type Asker } from './live-check-asker.ts';
import { liveFindings } from './live-check-findings.ts';
import { liveReport, type LiveReport } from './live-check-report.ts';
import { askAboutSlo, type LiveFacts } from './live-check-slo.ts';

export interface LiveCheck {
  readonly problems: readonly Problem[];
  readonly report: LiveReport;
  /** Why the server could not be asked, or not to the end. */
  readonly unusable: string | undefined;
}

const slosAtOnce = 4;

/** Checks the queries of SLOs against a live server, within bounds of time and requests. Never rejects. */
export async function checkLive(slos: readonly LoadedSlo[], settings: PrometheusSettings): Promise<LiveCheck> {
  const source = createLiveSource(settings, systemClock);
  try {
    return await check(slos, settings, source);
  } finally {
    await source.close();
  }
}

async function check(slos: readonly LoadedSlo[], settings: PrometheusSettings, source: LiveSource): Promise<LiveCheck> {
  const started = systemClock.now();
  const asker = createAsker(source, started.wallMs, AbortSignal.timeout(longestCheckMs));
  const all: LiveFacts[] = [];
  const problems: Problem[] = [];
  const left = [...slos];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const facts = await askAboutSlo(next.slo, asker);
      all.push(facts);
      problems.push(
        ...(await placed(next, [...liveFindings(facts, settings.timeoutMs), ...unaskedFindings(facts, asker)])),
      );
    }
  };
  await Promise.all(Array.from({ length: slosAtOnce }, work));
  const ended = asker.ended();
  return {
    problems,
    report: liveReport(all, {
      url: settings.url.origin + settings.url.pathname,
      atMs: started.wallMs,
      requests: asker.requests(),
      tookMs: systemClock.now().monotonicMs - started.monotonicMs,
    }),
    unusable: ended?.cause === 'unusable' ? ended.detail : undefined,
  };
}

/** What was not asked is said: silence would read as health. */
function unaskedFindings({ queries }: LiveFacts, asker: Asker): readonly Finding[] {
  const ended = asker.ended();
  if (ended === undefined || queries.every(({ answer }) => answer !== undefined)) return [];
  return [warning(['spec', 'sli'], `not, or not wholly, checked against the server: ${ended.detail}`, 'key')];
}

async function placed({ slo, file }: LoadedSlo, findings: readonly Finding[]): Promise<readonly Problem[]> {
  // A file that went away since it was read has no places to show.
  const text = findings.length === 0 ? '' : await readFile(file, 'utf8').catch(() => '');
  return placeInFile(findings, slo.id, text, file);
}
