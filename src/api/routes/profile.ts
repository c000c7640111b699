import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import type { RecordOrder } from '../order-record.ts';
import { failure } from '../schemas.ts';

const kinds = {
  cpu: { summary: 'Where the main thread spends its time', suffix: 'cpuprofile' },
  heap: { summary: 'What allocates the memory that is still held', suffix: 'heapprofile' },
} as const;

// A minute at most: a connection without a byte is closed after two (limits/fixed.ts).
const Query = Type.Object({
  seconds: Type.Optional(
    Type.String({ pattern: '^(?:[1-9]|[1-5][0-9]|60)$', description: 'a whole number from 1 to 60; 10 where absent' }),
  ),
});

/** `POST /admin/profile/{cpu,heap}`: decisions go on being answered meanwhile, some percent slower. */
export function profileRoutes(app: Api, record: RecordOrder, { profile, clock }: ProfileDeps): void {
  for (const kind of ['cpu', 'heap'] as const) {
    const { summary, suffix } = kinds[kind];
    app.route({
      method: 'POST',
      url: `/admin/profile/${kind}`,
      config: { access: 'admin' },
      schema: {
        operationId: `${kind}Profile`,
        summary,
        tags: ['orders'],
        querystring: Query,
        response: {
          200: Type.Unsafe<string>(
            Type.Object(
              {},
              {
                description: `A .${suffix} for the DevTools of Chrome.`,
                headers: { 'content-disposition': Type.String({ description: 'With the name of a file.' }) },
              },
            ),
          ),
          400: failure[400],
          409: failure[409],
          500: failure[500],
        },
      },
      handler: async (request, reply) => {
        const { seconds = '10' } = request.query;
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const taken = await profile(kind, Number(seconds) * 1000, gone.signal);
        record(
          request,
          { seconds },
          gone.signal.aborted ? 'ended early: nobody waited for it' : `${kind} profile taken`,
        );
        const at = new Date(clock.now().wallMs).toISOString().replace(/[-:]|\..*/g, '');
        void reply.type('application/json; charset=utf-8');
        void reply.header('content-disposition', `attachment; filename="aegis-${at}Z.${suffix}"`);
        return taken;
      },
    });
  }
}

type ProfileDeps = Pick<ApiDeps, 'profile' | 'clock'>;
