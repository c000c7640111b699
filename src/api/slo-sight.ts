import type { FastifyRequest } from 'fastify';
import type { SloRef } from '../access/ports.ts';
import type { CatalogueSnapshot } from '../catalogue/ports.ts';
import { AegisError } from '../errors.ts';

/** 403 for an SLO that somebody may not ask for, the same for one that there is not: they learn nothing of others. */
export function refuseOtherSlos({ identity }: FastifyRequest, snapshot: CatalogueSnapshot, id: string): void {
  if (identity.seesAll || identity.maySee(sloRef(snapshot, id))) return;
  throw new AegisError('forbidden', `${identity.name} may not ask for SLO ${id} (or there is none)`);
}

/**
 * 403 for a service of which somebody may see a part only: the worst of what they may see would be better than the
 * truth, and no answer is made better by asking with less.
 */
export function refuseOtherStates(
  { identity }: FastifyRequest,
  state: { readonly service: string; readonly environment: string; readonly slos: readonly SloRef[] },
): void {
  const { service, environment, slos } = state;
  const asked = slos.length > 0 ? slos : [{ id: '', service, environment }];
  if (identity.seesAll || asked.every((slo) => identity.maySee(slo))) return;
  const which = `service ${service} in environment ${environment}`;
  throw new AegisError('forbidden', `${identity.name} may not ask for all SLOs of ${which} (or there are none)`);
}

/** Of an SLO that is not served only the id is known. */
function sloRef(snapshot: CatalogueSnapshot, id: string): SloRef {
  return snapshot.slos.get(id)?.slo ?? { id, service: '', environment: '' };
}

/** The audit holds all SLOs: who may ask for some has to name one of them. */
export function refuseOtherRecords(
  request: FastifyRequest,
  snapshot: CatalogueSnapshot,
  sloId: string | undefined,
): void {
  if (request.identity.seesAll) return;
  if (sloId === undefined)
    throw new AegisError('forbidden', `${request.identity.name} may ask for some SLOs only: name one with sloID`);
  refuseOtherSlos(request, snapshot, sloId);
}
