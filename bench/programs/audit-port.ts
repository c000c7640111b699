import { encodeEvidence } from '../../src/policy/evidence.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/open-storage.ts';

const complain = (message: string) => process.stderr.write(`${message}\n`);

/** The audit behind its port, its threads those of the built program. Of what it logs only what is amiss is shown. */
export function openAudit(path: string) {
  const log = { debug: () => undefined, info: () => undefined, warn: complain, error: complain, writes: () => false };
  return openSqliteStorage({ path, log, encodeEvidence: (evaluation) => encodeEvidence(evaluation, 'bench') });
}
