/** What somebody may do. `admin` holds the others. */
export const scopes = ['read', 'decide', 'admin'] as const;

export type Scope = (typeof scopes)[number];

/** An SLO as access looks at it. */
export interface SloRef {
  readonly id: string;
  readonly service: string;
  readonly environment: string;
}

/** Who asks. */
export interface Identity {
  readonly kind: 'anonymous' | 'key' | 'oidc' | 'socket';
  /** As the log and the audit name it: the id of a key, the subject of a token. Never a secret. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Nothing is kept from it. An identity of some SLOs may use only routes that look at the SLO (`perSlo`). */
  readonly seesAll: boolean;
  /** Whether it may ask for this SLO. */
  maySee(slo: SloRef): boolean;
}

/** What a request shows of who sends it. */
export interface Credentials {
  /** Of `Authorization: Bearer` or `X-API-Key`; null where there is neither, or why what there is cannot be read. */
  readonly token: string | null | { readonly unusable: string };
  /** The request came over the admin socket, which only the server's own user can open. */
  readonly isAdminSocket: boolean;
  /** The address that failures are counted for. */
  readonly address: string;
}

/** Why nobody was recognised: a closed set, also the label of the metric. */
export const refusals = [
  'missing',
  'malformed',
  'unknown',
  'expired',
  'revoked',
  'invalid_token',
  'too_many_failures',
  'unavailable',
] as const;

export type Refusal = (typeof refusals)[number];

export type Identified =
  | { readonly kind: 'identified'; readonly identity: Identity }
  | {
      readonly kind: 'refused';
      readonly reason: Refusal;
      /** One sentence for the caller; says nothing about other keys. */
      readonly message: string;
      /** Seconds, where asking again earlier is of no use. */
      readonly retryAfterS?: number;
    };

/** Recognises who asks. Synchronous where no key of an issuer has to be fetched. Never rejects. */
export interface AccessControl {
  identify(credentials: Credentials): Identified | Promise<Identified>;
  /** `/metrics` answers everybody. */
  readonly openMetrics: boolean;
  /** Nobody reads or decides without a key or token. */
  readonly asksForKey: boolean;
}
