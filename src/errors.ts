/**
 * An operational error: something outside the program is not as it should be, and somebody has to hear of it.
 * Codes are stable: they appear in answers (`code`), in logs and in docs/api.md. Programmer errors are plain `Error`s.
 */
export class AegisError extends Error {
  override readonly name = 'AegisError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export type ErrorCode =
  | 'invalid_setting' // a flag, variable or option is not what it has to be
  | 'invalid_request' // the request does not have the documented shape
  | 'invalid_json'
  | 'body_too_large'
  | 'headers_too_large'
  | 'unknown_slo'
  | 'unknown_service'
  | 'unknown_evaluation'
  | 'unknown_path'
  | 'method_not_allowed'
  | 'unauthorized' // no key or token, or one that is not known, expired or revoked
  | 'issuer_unavailable' // whether a token is valid cannot be told now
  | 'forbidden' // the key or token does not allow this
  | 'rate_limited' // more requests a second than one client may send
  | 'profile_running' // one at a time
  | 'overloaded' // refused early, so that decisions go on being answered
  | 'audit_unavailable' // the audit database cannot be read now
  | 'database_unusable' // not a database, corrupt, or of a newer version: the start ends
  | 'slo_files_unreadable'
  | 'shutting_down'
  | 'internal';

/** The message of anything that was thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
