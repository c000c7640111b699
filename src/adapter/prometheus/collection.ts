import type { QueryRole, Reading } from '../../eval/measurement.ts';
import type { Outcome } from './client.ts';
import type { Inquiry } from './union.ts';

/** Gathers what the source says during one evaluation. */
export class Collection {
  readonly readings = new Map<string, Reading>();
  readonly warnings: string[] = [];
  readonly infos: string[] = [];
  clockSkewMs: number | null = null;

  /** Whether every part of the inquiry has its values. */
  add(inquiry: Inquiry, outcome: Outcome, attempts: number): boolean {
    let whole = true;
    for (const { tag, role } of inquiry.parts) {
      const reading = readingOf(outcome, tag, role, attempts);
      this.readings.set(tag, reading);
      whole &&= reading.kind === 'series';
    }
    if (outcome.kind === 'answer') this.#remark(outcome);
    return whole;
  }

  #remark({ warnings, infos, clockSkewMs }: Extract<Outcome, { kind: 'answer' }>): void {
    this.warnings.push(...warnings.filter((text) => !this.warnings.includes(text)));
    this.infos.push(...infos.filter((text) => !this.infos.includes(text)));
    if (clockSkewMs !== null && Math.abs(clockSkewMs) >= Math.abs(this.clockSkewMs ?? 0))
      this.clockSkewMs = clockSkewMs;
  }
}

function readingOf(outcome: Outcome, tag: string, role: QueryRole, attempts: number): Reading {
  if (outcome.kind === 'failed') {
    const { reason, detail, asked } = outcome.failure;
    return { kind: 'failed', failure: { role, reason, detail, attempts: asked ? attempts : attempts - 1 } };
  }
  const part = outcome.parts.get(tag);
  if (part?.kind === 'values') return { kind: 'series', values: part.values };
  const detail = part?.detail ?? 'the answer lacks this part';
  return { kind: 'failed', failure: { role, reason: 'malformed', detail, attempts } };
}
