import { Type } from 'typebox';
import type { SloDocument } from '../../slo/model.ts';
import { unknownSlo } from '../catalogue-questions.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { failure } from '../schemas.ts';
import { refuseOtherSlos } from '../slo-sight.ts';

const List = Type.Object(
  {
    slos: Type.Array(
      Type.Object({
        id: Type.String(),
        service: Type.String(),
        environment: Type.String(),
        objective: Type.Number({ description: 'Ratio, 0 to 1.' }),
      }),
    ),
  },
  { description: 'The SLOs that are served.' },
);

const Document = Type.Unsafe<SloDocument>(
  Type.Object(
    { apiVersion: Type.String(), kind: Type.Literal('SLO'), metadata: Type.Object({}), spec: Type.Object({}) },
    { description: 'The SLO as its file writes it, defaults filled in; schemas/slo_v1.json has its shape.' },
  ),
);

const SloId = Type.Object({ id: Type.String({ description: 'Id of an SLO.' }) });

export function sloRoutes(app: Api, { catalogue }: Pick<ApiDeps, 'catalogue'>): void {
  app.route({
    method: 'GET',
    url: '/v1/slo',
    config: { access: ['read', 'decide'], perSlo: true },
    schema: {
      operationId: 'listSlos',
      summary: 'The SLOs that are served',
      description: 'Of these, the ones that whoever asks may ask for.',
      tags: ['slos'],
      response: { 200: List, 500: failure[500] },
    },
    handler: ({ identity }) => ({
      slos: [...catalogue.current().slos.values()]
        .filter(({ slo }) => identity.maySee(slo))
        .map(({ slo: { id, service, environment, objective } }) => ({ id, service, environment, objective })),
    }),
  });

  app.route({
    method: 'GET',
    url: '/v1/slo/:id',
    config: { access: ['read', 'decide'], perSlo: true },
    schema: {
      operationId: 'getSlo',
      summary: 'One SLO as it is written',
      tags: ['slos'],
      params: SloId,
      response: { 200: Document, 404: failure[404], 414: failure[414], 500: failure[500] },
    },
    handler: (request) => {
      const { params } = request;
      const snapshot = catalogue.current();
      refuseOtherSlos(request, snapshot, params.id);
      const loaded = snapshot.slos.get(params.id);
      if (loaded === undefined) throw unknownSlo(snapshot, params.id, 'SLO not found');
      return loaded.slo.document;
    },
  });
}
