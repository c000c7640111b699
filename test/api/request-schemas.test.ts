import { Ajv2020 } from 'ajv/dist/2020.js';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { requestSchemas } from '../../src/api/request-schemas.ts';
import { anApi } from '../support/api.ts';

describe('the schemas of requests', () => {
  it('are schemas, each of which compiles: at a start none of it is looked at', async () => {
    const { app } = anApi();
    const given: { readonly place: string; readonly schema: object }[] = [];
    app.addHook('onRoute', ({ method, url, schema }) => {
      for (const part of ['params', 'querystring', 'headers', 'body'] as const) {
        const one = schema?.[part];
        if (typeof one === 'object' && one !== null)
          given.push({ place: `${part} of ${String(method)} ${url}`, schema: one });
      }
    });
    await app.ready();
    await app.close();
    expect(given.length).toBeGreaterThan(15);
    const ajv = new Ajv2020({ verbose: true });
    for (const { place, schema } of given) {
      expect(ajv.validateSchema(schema), `${place}: ${ajv.errorsText()}`).toBe(true);
      expect(() => ajv.compile(schema), place).not.toThrow();
    }
  });

  it.each([{ type: 'nonsense' }, { type: 'string', minLength: 'many' }, { $ref: '#/nowhere' }])(
    '%j: a request is an error of the server, and is never let through',
    async (body) => {
      const app = fastify();
      app.setValidatorCompiler(requestSchemas());
      const handled = vi.fn(() => 'let through');
      app.post('/', { schema: { body } }, handled);
      for (const payload of ['"text"', '{}', '"text"']) {
        const headers = { 'content-type': 'application/json' };
        const { statusCode } = await app.inject({ method: 'POST', url: '/', headers, payload });
        expect(statusCode).toBe(500);
      }
      expect(handled).not.toHaveBeenCalled();
      await app.close();
    },
  );
});
