import { Pool } from 'undici';
import type { Answer, GateServer } from '../../support/gate-server.ts';

/** An answer as a client had it. The gate made it between the two instants (epoch milliseconds). */
export interface Sighting {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
  /** The instant that the answer is of. */
  readonly evaluatedAtMs: number;
  readonly answer: Answer;
}

/** A client that asks for the decisions of a gate over and over. */
export interface Watch {
  of(sloId: string): readonly Sighting[];
  /** Rejects with the first error that a question had: whatever the fault, the gate answers. */
  stop(): Promise<void>;
}

const questionsAtOnce = 8;
const betweenRoundsMs = 300;

export function watch(gate: GateServer, sloIds: readonly string[]): Watch {
  const sightings = new Map<string, Sighting[]>(sloIds.map((id) => [id, []]));
  const pool = new Pool(gate.url, { connections: questionsAtOnce });
  let isStopped = false;

  const ask = async (id: string) => {
    const sentAtMs = Date.now();
    const body = JSON.stringify({ sloID: id });
    const response = await pool.request({ path: '/v1/gate/decision', method: 'POST', body });
    const answer = (await response.body.json()) as Answer;
    if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${JSON.stringify(answer)}`);
    const evaluatedAtMs = Date.parse(answer.timestamp);
    sightings.get(id)?.push({ sentAtMs, receivedAtMs: Date.now(), evaluatedAtMs, answer });
  };
  const asker = async (rest: string[]) => {
    for (let id = rest.pop(); id !== undefined && !isStopped; id = rest.pop()) await ask(id);
  };
  const rounds = async () => {
    while (!isStopped) {
      const rest = [...sloIds];
      await Promise.all(Array.from({ length: questionsAtOnce }, () => asker(rest)));
      await new Promise((resolve) => setTimeout(resolve, betweenRoundsMs));
    }
  };
  const ended = rounds().finally(() => pool.destroy());
  // Told at the stop.
  ended.catch(() => undefined);

  return {
    of: (sloId) => sightings.get(sloId) ?? [],
    stop() {
      isStopped = true;
      return ended;
    },
  };
}
