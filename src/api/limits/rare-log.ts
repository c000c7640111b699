import type { Clock } from '../../clock.ts';

const minuteMs = 60_000;

/** Different subjects in one minute; a flood of addresses must not become a flood of lines. */
const linesPerMinute = 100;

/**
 * Says a thing about each subject at most once a minute, and how often (of all subjects) it was not said since the last
 * line.
 */
export function createRareLog(clock: Clock): (subject: string, say: (suppressed: number) => void) => void {
  const said = new Set<string>();
  let beganAtMs = -Infinity;
  let suppressed = 0;
  return (subject, say) => {
    const nowMs = clock.now().monotonicMs;
    if (nowMs - beganAtMs >= minuteMs) {
      said.clear();
      beganAtMs = nowMs;
    }
    if (said.has(subject) || said.size >= linesPerMinute) {
      suppressed += 1;
      return;
    }
    said.add(subject);
    say(suppressed);
    suppressed = 0;
  };
}
