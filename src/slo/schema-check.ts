import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { error, type Finding } from './finding.ts';
import { pathOfPointer, type JsonPath } from './json-path.ts';
import { nearest } from './nearest.ts';
import { sloSchema, type SloFile } from './schema.ts';

/**
 * Compiled with the first document, for what starts without one. That the schema is one is a test's to say: holding it
 * against the metaschema takes three times as long as compiling it.
 */
let compiled: ValidateFunction<SloFile> | undefined;

function compile(): ValidateFunction<SloFile> {
  // `required` in the schema's `then` names a property that its parent declares.
  const strictness = { strict: true, strictRequired: false, strictTypes: false };
  return new Ajv2020({ allErrors: true, ...strictness, meta: false, validateSchema: false }).compile<SloFile>(
    sloSchema,
  );
}

// A map of a hundred thousand unknown keys is told of by its first thousand.
const mostFindings = 1000;

export type SchemaCheck = { readonly file: SloFile } | { readonly findings: readonly Finding[] };

/** Holds a document against the schema; `sourceOf` gives a scalar as its file has it. */
export function checkSchema(document: unknown, sourceOf: (path: JsonPath) => string | undefined): SchemaCheck {
  const fits = (compiled ??= compile());
  if (fits(document)) return { file: document };
  const byPlace = new Map<string, Finding>();
  for (const problem of fits.errors ?? []) {
    if (byPlace.size > mostFindings) break;
    const finding = describe(problem, document, sourceOf);
    // One value may break several rules (its type and its length): it is told once.
    const place = JSON.stringify([finding?.path, finding?.at]);
    if (finding !== undefined && !byPlace.has(place)) byPlace.set(place, finding);
  }
  return { findings: [...byPlace.values()] };
}

function describe(
  { keyword, params, instancePath }: ErrorObject,
  document: unknown,
  sourceOf: (path: JsonPath) => string | undefined,
): Finding | undefined {
  const path = pathOfPointer(instancePath, document);
  const parameters: Readonly<Record<string, unknown>> = params;
  switch (keyword) {
    case 'if':
      return undefined; // what its `then` misses is told by itself
    case 'required':
      return missingKey([...path, String(parameters.missingProperty)]);
    case 'additionalProperties':
      return unknownKey(path, String(parameters.additionalProperty));
    default:
      return wrongValue(path, valueAt(document, path), sourceOf(path));
  }
}

function missingKey(path: JsonPath): Finding {
  return error(path, `${String(path.at(-1))} is missing: ${describedAs(path)}`);
}

function unknownKey(parent: JsonPath, key: string): Finding {
  const path = [...parent, key];
  const known = Object.keys(schemaAt(parent)?.properties ?? {});
  const meant = nearest(key, known);
  if (meant !== undefined) return error(path, `unknown key ${key}: did you mean ${meant}?`, 'key');
  const elsewhere = parentsOf(key).map((found) => found || 'the document itself');
  if (elsewhere.length > 0) return error(path, `unknown key ${key}: it belongs in ${elsewhere.join(' or ')}`, 'key');
  return error(path, `unknown key ${key}: known here are ${known.join(', ')}`, 'key');
}

function wrongValue(path: JsonPath, value: unknown, source: string | undefined): Finding {
  if (value === null || value === undefined) return error(path, `no value is given: ${describedAs(path)}`);
  return error(path, `${shown(value, source)} is not allowed: ${describedAs(path)}${quotingHint(path, value, source)}`);
}

const longestShown = 80;

function shown(value: unknown, source: string | undefined): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const text = (source ?? JSON.stringify(value)).replace(/\s+/g, ' ');
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/** YAML takes unquoted `0123` and `true` for other than text, and anything in quotes for text. */
function quotingHint(path: JsonPath, value: unknown, source: string | undefined): string {
  const schema = schemaAt(path);
  const wanted = schema?.type;
  if (source === undefined) return '';
  if (wanted === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    const helps = schema?.pattern === undefined || new RegExp(schema.pattern).test(source);
    return helps ? ` (YAML reads it as a ${typeof value}: write "${source}")` : '';
  }
  const isQuotedNumber = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
  if ((wanted === 'number' || wanted === 'integer') && isQuotedNumber) return ` (it is text: write it without quotes)`;
  return '';
}

interface SchemaNode {
  readonly type?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
}

const root: SchemaNode = sloSchema;

function schemaAt(path: JsonPath): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    const anyKey: SchemaNode | undefined = Object.values(node?.patternProperties ?? {})[0];
    node = typeof step === 'number' ? node?.items : (ownProperty(node, step) ?? anyKey);
  }
  return node;
}

function ownProperty(node: SchemaNode | undefined, name: string): SchemaNode | undefined {
  const properties = node?.properties ?? {};
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function describedAs(path: JsonPath): string {
  return schemaAt(path)?.description ?? 'see schemas/slo_v1.json';
}

/** Where in the schema a key is known, as paths of maps. */
function parentsOf(key: string, node: SchemaNode = root, at = ''): string[] {
  const children = Object.entries(node.properties ?? {});
  const here = children.some(([name]) => name === key) ? [at] : [];
  const below = children.flatMap(([name, child]) => parentsOf(key, child, at === '' ? name : `${at}.${name}`));
  const items = node.items === undefined ? [] : parentsOf(key, node.items, `${at}[]`);
  return [...here, ...below, ...items];
}

function valueAt(document: unknown, path: JsonPath): unknown {
  let value = document;
  for (const step of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
  return value;
}
