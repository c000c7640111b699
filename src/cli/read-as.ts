import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { parseObject } from './gate-answer.ts';

/** Reads a body as a JSON object of a form, fields that we do not know allowed. A text: why it is none. */
export function readAs<T extends TSchema>(schema: T): (text: string) => Static<T> | string {
  return (text) => {
    const body = parseObject(text);
    if (body === undefined) return 'it is not a JSON object';
    if (Value.Check(schema, body)) return body;
    const [fault] = Value.Errors(schema, body);
    return fault === undefined ? 'it has another form' : `${fault.instancePath || 'it'} ${fault.message}`;
  };
}
