import { createInterface } from 'node:readline';

/** Reads one JSON line a job from standard input and writes one with its answer; ends when the input does. */
export function doJobs(jobs: Readonly<Record<string, (argument: never) => unknown>>): void {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => void work(line));
  lines.on('close', () => process.exit());
  // By an exit, and not by the signal, so that a profile is written.
  process.once('SIGTERM', () => process.exit());

  async function work(line: string): Promise<void> {
    const { job, argument } = JSON.parse(line) as { job: string; argument: never };
    let answer: unknown;
    try {
      const work = jobs[job];
      if (work === undefined) throw new Error('there is no such job');
      answer = { value: await work(argument) };
    } catch (error) {
      answer = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
