/** What a document says it is about, as far as it could be read. */
export interface Declaration {
  readonly id?: string;
  readonly service?: string;
  readonly environment?: string;
}

/** The identity of a document that may be anything. */
export function declaredBy(document: unknown): Declaration {
  const metadata = fieldOf(document, 'metadata');
  return declaration({
    id: textOf(fieldOf(metadata, 'id')),
    service: textOf(fieldOf(metadata, 'service')),
    environment: textOf(fieldOf(fieldOf(document, 'spec'), 'environment')),
  });
}

/** The identities that a text seems to declare, one for each `---`, where it cannot be read as YAML. */
export function declaredInText(text: string): Declaration[] {
  return text.split(/^---/m).map((document) =>
    declaration({
      id: firstValue(document, 'id'),
      service: firstValue(document, 'service'),
      environment: firstValue(document, 'environment'),
    }),
  );
}

function declaration(fields: Record<keyof Declaration, string | undefined>): Declaration {
  return {
    ...(fields.id === undefined ? {} : { id: fields.id }),
    ...(fields.service === undefined ? {} : { service: fields.service }),
    ...(fields.environment === undefined ? {} : { environment: fields.environment }),
  };
}

function firstValue(text: string, key: string): string | undefined {
  return new RegExp(`^[ \\t]*${key}:[ \\t]+["']?([^"'\\s#,{}\\[\\]]+)`, 'm').exec(text)?.[1];
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
