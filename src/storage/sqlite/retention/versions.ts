import type { Database } from 'better-sqlite3';
import { slice } from './slices.ts';
import type { Tally } from './rows.ts';

/** Rows that are looked at in one slice. */
const rowsASlice = 5_000;

interface Candidate {
  readonly hash: string;
  readonly sloId: string | null;
}

/** In the order of the index by SLO. */
interface Place {
  readonly service: string;
  readonly environment: string;
  readonly decision: string;
  readonly timestamp: string;
  readonly evaluationId: string;
}

type Looked = Place & { readonly hash: string | null };

const beforeAll: Place = { service: '', environment: '', decision: '', timestamp: '', evaluationId: '' };

/**
 * Deletes the versions of SLOs that no row refers to any more and that are not defined now. Only those are looked at
 * that are older than the oldest evaluation; for each, the evaluations of its SLO, in slices.
 */
export function* forgetVersions(db: Database, deleted: Tally): Generator<void, void> {
  const candidates = db
    .prepare<[], Candidate>(
      `SELECT spec_hash AS hash, CASE WHEN json_valid(document_json) THEN json_extract(document_json, '$.metadata.id') END AS sloId
      FROM slo_versions
      WHERE first_seen < coalesce((SELECT min(created_at) FROM evaluations), '9999')
        AND document_json NOT IN (SELECT spec_json FROM slo_definitions)`,
    )
    .all();
  const bySlo = new Map<string, Set<string>>();
  for (const { hash, sloId } of candidates) {
    if (sloId === null) continue;
    bySlo.set(sloId, (bySlo.get(sloId) ?? new Set()).add(hash));
  }
  const newest = db.prepare<[], number | null>('SELECT max(id) FROM evaluations').pluck();
  // An evaluation that came meanwhile may have brought a version back.
  const forget = db.prepare<{ hash: string; since: number }>(
    `DELETE FROM slo_versions WHERE spec_hash = @hash
      AND NOT EXISTS (SELECT 1 FROM evaluations WHERE id > @since AND spec_hash = @hash)`,
  );
  for (const [sloId, hashes] of bySlo) {
    const since = newest.get() ?? 0;
    yield* keepUsed(db, sloId, hashes);
    for (const hash of hashes) {
      slice(db, () => {
        deleted.version += forget.run({ hash, since }).changes;
        return 'done';
      });
    }
    yield;
  }
}

/** Takes out of the hashes those that an evaluation of this SLO has. */
function* keepUsed(db: Database, sloId: string, hashes: Set<string>): Generator<void, void> {
  const look = db.prepare<{ sloId: string } & Place, Looked>(
    `SELECT service, environment, decision, timestamp, evaluation_id AS evaluationId, spec_hash AS hash FROM evaluations
    WHERE slo_id = @sloId AND (service, environment, decision, timestamp, evaluation_id) >
      (@service, @environment, @decision, @timestamp, @evaluationId)
    ORDER BY service, environment, decision, timestamp, evaluation_id LIMIT ${rowsASlice}`,
  );
  let from: Place | undefined = beforeAll;
  while (from !== undefined && hashes.size > 0) {
    const rows: Looked[] = look.all({ sloId, ...from });
    for (const { hash } of rows) if (hash !== null) hashes.delete(hash);
    from = rows.length === rowsASlice ? rows.at(-1) : undefined;
    yield;
  }
}
