import type { Decision } from '../slo/decision.ts';
import { visible } from '../telemetry/visible.ts';
import { decisionStyles } from './decision-style.ts';
import { jsonText } from './json-text.ts';
import type { Paint } from './terminal.ts';

interface Decided {
  readonly decision: Decision;
  readonly reasons: readonly string[];
  /** Of the software that decided. */
  readonly version: string;
}

/** One measurement and the decisions on it: as recorded, and as made again here. */
export interface Replayed {
  readonly evaluationId: string;
  readonly sloId: string;
  readonly recorded: Decided;
  readonly replayed: Decided;
}

/** Whether both decided the same for the same reasons, in the same order. */
export function isSame({ recorded, replayed }: Replayed): boolean {
  return (
    recorded.decision === replayed.decision && JSON.stringify(recorded.reasons) === JSON.stringify(replayed.reasons)
  );
}

/** For programs: stable keys. */
export function jsonReplay(all: Replayed): string {
  const { evaluationId, sloId, recorded, replayed } = all;
  const document = { same: isSame(all), evaluationID: evaluationId, sloID: sloId, recorded, replayed };
  return `${jsonText(document, 2)}\n`;
}

/** For people: both decisions, and the reasons of one of them alone marked by `-` and `+`. */
export function textReplay(all: Replayed, paint: Paint): string {
  const { recorded, replayed } = all;
  const same = isSame(all);
  const verdict = same ? paint('green', 'same') : paint('red', 'different');
  const lines = [
    `${verdict}  ${visible(`${all.sloId}, evaluation ${all.evaluationId}`)}`,
    ...decidedLines('recorded', recorded, same ? undefined : replayed, '-', paint),
    ...decidedLines('replayed', replayed, same ? undefined : recorded, '+', paint),
  ];
  return `${lines.join('\n')}\n`;
}

function decidedLines(title: string, decided: Decided, other: Decided | undefined, sign: string, paint: Paint) {
  const { decision, reasons, version } = decided;
  const mark = (reason: string) => (other === undefined || other.reasons.includes(reason) ? ' ' : sign);
  return [
    `${title}  ${paint(decisionStyles[decision], decision)}  by AegisSLO ${visible(version)}`,
    ...reasons.map((reason) => `  ${mark(reason)} ${visible(reason)}`),
  ];
}
