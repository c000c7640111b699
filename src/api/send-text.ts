import type { FastifyReply } from 'fastify';
import { textHeaders } from './answer-headers.ts';

/**
 * Answers 200 with JSON that is written already, straight to Node: the framework's way copies the headers and looks for
 * what would serialize the answer, at a tenth of what the whole request costs. The headers are those of every answer, in
 * the same order. It passes `onSend` by: not for routes whose work is bounded (limits.ts), nor for one that sets headers
 * of its own.
 */
export function sendText(reply: FastifyReply, text: string): void {
  const { raw, request } = reply;
  const bytes = Buffer.byteLength(text);
  // Before the framework lets go of the answer: what throws here is still answered as an error.
  raw.writeHead(200, textHeaders(request.id, bytes));
  reply.hijack();
  // The same bytes where all is ASCII, and Node sets a third of the room aside for them.
  raw.end(text, bytes === text.length ? 'latin1' : 'utf8');
}
