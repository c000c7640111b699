import { refusal, shown, textOf, textsOf, type Placed } from './placed.ts';
import { scopes, type Scope } from './ports.ts';
import type { SloGrant } from './slo-grant.ts';

/** The fields of a key or a rule that say what it allows. */
export const grantFields = ['scopes', 'slos', 'services', 'environments'] as const;

export interface Grant extends SloGrant {
  readonly scopes: ReadonlySet<Scope>;
}

type GrantFields = Readonly<Partial<Record<(typeof grantFields)[number], Placed>>>;

/** What a map allows. Throws where that is nothing, or more than can be restricted. */
export function grantOf(map: Placed, fields: GrantFields): Grant {
  if (fields.scopes === undefined) throw refusal(map, `scopes is missing: one or more of ${scopes.join(', ')}`);
  const granted = new Set(textsOf(fields.scopes).map(scopeOf));
  const restricting = fields.slos ?? fields.services ?? fields.environments;
  if (restricting !== undefined && granted.has('admin'))
    throw refusal(restricting, 'not allowed with the scope admin, whose orders concern all SLOs');
  const globs = (field: Placed | undefined) => (field === undefined ? undefined : textsOf(field).map(textOf));
  return {
    scopes: granted,
    slos: globs(fields.slos),
    services: globs(fields.services),
    environments: globs(fields.environments),
  };
}

function scopeOf(placed: Placed): Scope {
  const text = textOf(placed);
  const scope = scopes.find((one) => one === text);
  if (scope === undefined) throw refusal(placed, `${shown(text)} is not allowed: ${scopes.join(', ')}`);
  return scope;
}
