import { addAbortSignal, Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AegisError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ExportChunk, ExportForm } from '../storage/ports.ts';
import { traceFor } from './trace.ts';

interface Export {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly log: Log;
  readonly form: ExportForm;
  /** The cursor that the export begins behind; undefined where it begins at the beginning. */
  readonly cursor: string | undefined;
  readonly read: (cursor: string | undefined) => Promise<ExportChunk>;
}

/**
 * Answers with an export as a stream, of which two chunks are in memory at the most: the next one is asked for when the
 * client has taken the last. Rejects where the first cannot be had. Where a later one cannot, the connection is cut off,
 * so that nobody takes a part for the whole; so it is when the server stops.
 */
export async function sendExport({ request, reply, log, form, cursor, read }: Export): Promise<Readable> {
  const { stopping } = request.server.traffic;
  const first = await read(cursor);
  if (stopping.aborted) throw new AegisError('shutting_down', 'the server stops: ask again in a moment');

  async function* chunks(): AsyncGenerator<Uint8Array> {
    let chunk = first;
    for (;;) {
      if (chunk.bytes.length > 0) yield chunk.bytes;
      // Where nothing is to be sent nobody else sees that the client has gone.
      if (chunk.next === null || stream.destroyed) return;
      chunk = await read(chunk.next).catch((error: unknown) => {
        const fields = { component: 'api', request_id: request.id, trace_id: traceFor(request).traceId };
        log.warn(`an export was cut off: ${messageOf(error)}`, fields);
        throw error;
      });
    }
  }

  void reply.type(mediaType(form, cursor));
  if (request.method === 'HEAD') return Readable.from([]); // it could begin
  const stream = Readable.from(chunks(), { objectMode: false, highWaterMark: 1 });
  return addAbortSignal(stopping, stream);
}

function mediaType(form: ExportForm, cursor: string | undefined): string {
  if (form === 'jsonl') return 'application/x-ndjson; charset=utf-8';
  return `text/csv; charset=utf-8; header=${cursor === undefined ? 'present' : 'absent'}`;
}
