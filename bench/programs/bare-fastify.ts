import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

// A port, the file of the body, and whether it is answered as a text or made from an object each time.
const [, , port, file, form] = process.argv;
const body = readFileSync(file ?? '', 'utf8');
const object: unknown = JSON.parse(body);
const app = Fastify();

app.post('/v1/gate/decision', (_request, reply) =>
  form === 'object' ? reply.send(object) : reply.type('application/json; charset=utf-8').send(body),
);
await app.listen({ port: Number(port), host: '127.0.0.1' });
