/** A failed validation, as ajv with `verbose` tells it. */
export interface Invalid {
  readonly validation?: readonly InvalidValue[] | undefined;
  /** `body`, `querystring`, `params`. */
  readonly validationContext?: string | undefined;
}

interface InvalidValue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The value that is not allowed. */
  readonly data?: unknown;
  /** The schema that refused it. */
  readonly parentSchema?: unknown;
}

const longestQuoteChars = 100;

/** A value of the request for a message: as JSON, and not longer than a line. */
export function quote(value: unknown): string {
  const text = value === undefined ? 'nothing' : jsonOf(value);
  return text.length > longestQuoteChars ? `${text.slice(0, longestQuoteChars)}…` : text;
}

/** `JSON.stringify` recurses where `JSON.parse` does not: what was read may be too deep to be written. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'a value that is nested too deeply to be shown';
  }
}

/**
 * What is wrong with a request, in one sentence with the name, the value and what is allowed. Schemas describe their
 * values with a noun (`a whole number from 1 to 1000`), which is used here.
 */
export function describeInvalid({ validation, validationContext }: Invalid): string {
  const [invalid] = validation ?? [];
  if (invalid === undefined) return 'the request is not valid';
  const name = invalid.instancePath.slice(1);
  switch (invalid.keyword) {
    case 'required':
      return missing(invalid);
    case 'additionalProperties':
      return `unknown parameter ${quote(invalid.params.additionalProperty)}; known are ${propertiesOf(invalid).join(', ')}`;
    case 'minLength':
      if (validationContext === 'body') return `${name} required`;
  }
  const subject = name === '' ? 'the body' : name;
  const expected = textOf(invalid.parentSchema, 'description') ?? `a ${String(invalid.params.type)}`;
  return `${subject} must be ${expected}, not ${quote(invalid.data)}`;
}

function missing(invalid: InvalidValue): string {
  const property = String(invalid.params.missingProperty);
  const alike = keysOf(invalid.data).find((key) => key !== property && key.toLowerCase() === property.toLowerCase());
  return alike === undefined ? `${property} required` : `${property} required (it is spelled ${quote(alike)} here)`;
}

function propertiesOf({ parentSchema }: InvalidValue): readonly string[] {
  return typeof parentSchema === 'object' && parentSchema !== null && 'properties' in parentSchema
    ? keysOf(parentSchema.properties)
    : [];
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}

function textOf(schema: unknown, key: string): string | undefined {
  const value: unknown = typeof schema === 'object' && schema !== null ? Reflect.get(schema, key) : undefined;
  return typeof value === 'string' ? value : undefined;
}
