import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { FastifySchemaCompiler } from 'fastify';

/**
 * Holds requests against the schemas of their routes. A schema is compiled with the first request of its route: a start
 * does not wait for thirty compilations, nor for the metaschema, of which no request is an instance.
 */
export function requestSchemas(): FastifySchemaCompiler<AnySchemaObject> {
  // What a request says is neither completed nor converted. `verbose` tells of the value and its rule (invalid.ts).
  const ajv = new Ajv2020({ verbose: true, meta: false, validateSchema: false });
  return ({ schema }) => {
    let compiled: ValidateFunction | undefined;
    return (value: unknown) => {
      const fits = (compiled ??= ajv.compile(schema));
      return fits(value) === true || { error: fits.errors ?? [] };
    };
  };
}
