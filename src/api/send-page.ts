import type { FastifyReply } from 'fastify';

/**
 * Answers with a page of the audit, JSON already, and gives its memory back once the last byte of it is with the kernel.
 * Where the connection ended before, the memory is left alone.
 */
export function sendPage(reply: FastifyReply, page: Uint8Array, giveBack: (page: Uint8Array) => void): FastifyReply {
  const { socket } = reply.request.raw;
  reply.raw.once('finish', () => {
    if (!socket.destroyed) giveBack(page);
  });
  return reply.type('application/json; charset=utf-8').send(page);
}
