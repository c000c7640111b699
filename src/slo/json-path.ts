/** Keys and indices that lead from a document to a value in it. */
export type JsonPath = readonly (string | number)[];

/** `spec.burnPolicy.rules[0].threshold`; empty for the document itself. */
export function formatPath(path: JsonPath): string {
  return path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[A-Za-z_][\w-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join('')
    .replace(/^\./, '');
}

/** The path of a JSON pointer into `document`; a step is an index where the value before it is a list. */
export function pathOfPointer(pointer: string, document: unknown): JsonPath {
  const path: (string | number)[] = [];
  let value = document;
  for (const encoded of pointer.split('/').slice(1)) {
    const step = encoded.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(step) : step);
    value = valueAt(value, step);
  }
  return path;
}

function valueAt(value: unknown, step: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
}
