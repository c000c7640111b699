import { isIP } from 'node:net';

/** Reads the text of a setting. Undefined: the text is not allowed; `allowed` says what is, for the error and the docs. */
export interface Parser<T> {
  readonly allowed: string;
  /** Where it is a closed set, for the completion of a shell. */
  readonly words?: readonly string[];
  readonly parse: (text: string) => T | undefined;
}

export function wholeNumber(min: number, max: number): Parser<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      if (!/^\d{1,9}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** A whole number; 0 where there is to be no bound. */
export function wholeNumberOrNone(min: number, max: number): Parser<number> {
  const bound = wholeNumber(min, max);
  return { allowed: `${bound.allowed}, or 0 for no bound`, parse: (text) => (text === '0' ? 0 : bound.parse(text)) };
}

const unitBytes: Readonly<Record<string, number>> = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** A size such as `20GiB`, in bytes; 0 where there is to be no bound. */
export function sizeOrNone(min: string, max: string): Parser<number> {
  const minBytes = sizeBytes(min) ?? 0;
  const maxBytes = sizeBytes(max) ?? Infinity;
  return {
    allowed: `a size from ${min} to ${max}, such as 500MiB or 20GiB, or 0 for no bound`,
    parse: (text) => {
      if (text === '0') return 0;
      const bytes = sizeBytes(text);
      return bytes !== undefined && bytes >= minBytes && bytes <= maxBytes ? bytes : undefined;
    },
  };
}

function sizeBytes(text: string): number | undefined {
  const match = /^(\d{1,9})(MiB|GiB|TiB)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : unitBytes[match[2]];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** One of a few words, in upper or lower case. */
export function oneOf<const T extends string>(...words: readonly T[]): Parser<T> {
  return {
    allowed: `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`,
    words,
    parse: (text) => words.find((word) => word === text.toLowerCase()),
  };
}

export const boolean: Parser<boolean> = {
  allowed: 'true or false',
  parse: (text) => ({ true: true, false: false })[text.toLowerCase()],
};

/** Events a second; 0 is no limit. */
export const rate: Parser<number> = {
  allowed: 'a number a second from 0.01 to 1000000, or 0 for no limit',
  parse: (text) => {
    if (!/^\d{1,7}(\.\d{1,3})?$/.test(text)) return undefined;
    const value = Number(text);
    return value === 0 || (value >= 0.01 && value <= 1_000_000) ? value : undefined;
  },
};

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as `8s`, in milliseconds. A bare `0` needs no unit. */
export function duration(min: string, max: string): Parser<number> {
  const minMs = durationMs(min) ?? 0;
  const maxMs = durationMs(max) ?? Infinity;
  return {
    allowed: `a duration from ${min} to ${max}, such as 500ms, 8s or 2m`,
    parse: (text) => {
      const ms = durationMs(text);
      return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
    },
  };
}

/** A duration such as `90d`, in milliseconds; 0 where there is to be no bound. */
export function durationOrNone(min: string, max: string): Parser<number> {
  const bound = duration(min, max);
  return {
    allowed: `a duration from ${min} to ${max}, such as 36h or 90d, or 0 for no bound`,
    parse: (text) => (text === '0' ? 0 : bound.parse(text)),
  };
}

function durationMs(text: string): number | undefined {
  if (text === '0') return 0;
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : unitMs[match[2]];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}

export const path: Parser<string> = {
  allowed: 'a path',
  parse: (text) => (text === '' || text.includes('\0') ? undefined : text),
};

/** Any text without control characters: a name, or a password (it is sent in base64, so all may be in it). */
export const text: Parser<string> = {
  allowed: 'one line of text, not empty',
  parse: (given) => (/^\P{Cc}+$/u.test(given) ? given : undefined),
};

/** A user name of basic authentication, where a colon begins the password (RFC 7617). */
export const username: Parser<string> = {
  allowed: 'one line of text without a colon, not empty',
  parse: (given) => (given.includes(':') ? undefined : text.parse(given)),
};

/** A bearer token: it stands in a header as it is. */
export const token: Parser<string> = {
  allowed: 'a token without spaces, not empty',
  parse: (text) => (/^[\x21-\x7e]+$/.test(text) ? text : undefined),
};

/** An address to listen on; the brackets of an IPv6 address are taken off. */
export const host: Parser<string> = {
  allowed: 'a host name or an IP address, such as 0.0.0.0, ::1 or localhost',
  parse: (text) => {
    const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
    if (isIP(bare) !== 0) return bare;
    // A name of digits and dots alone is an address with a mistake in it.
    return /^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$/i.test(text) && !/^[\d.]+$/.test(text) ? text : undefined;
  },
};

/** An address, or a network in CIDR notation. */
export const network: Parser<string> = {
  allowed: 'an IP address or a network, such as 10.0.0.0/8 or ::1',
  parse: (text) => {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const version = isIP(address);
    if (version === 0) return undefined;
    return bits === undefined || Number(bits) <= (version === 4 ? 32 : 128) ? text : undefined;
  },
};

/** The URL of a server; a user and password in it are taken out by `splitUserinfo` (url.ts). */
export const httpUrl: Parser<URL> = {
  allowed: 'a URL that begins with http:// or https://, such as http://prometheus:9090',
  parse: (text) => {
    if (!/^https?:\/\//i.test(text) || /\s/.test(text)) return undefined;
    try {
      const url = new URL(text);
      decodeURIComponent(url.username);
      decodeURIComponent(url.password);
      return url;
    } catch {
      return undefined;
    }
  },
};

export interface Header {
  readonly name: string;
  readonly value: string;
}

// What the client itself writes: a second value would make the request ambiguous or invalid.
const ownHeaders = new Set(
  'connection,content-length,content-type,accept-encoding,expect,keep-alive,transfer-encoding,upgrade,te,trailer'.split(
    ',',
  ),
);

export const header: Parser<Header> = {
  allowed: 'a header as "Name: value" that is none of the client\'s own (such as Content-Type)',
  parse: (text) => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/s.exec(text);
    const name = match?.[1] ?? '';
    const value = (match?.[2] ?? '').trim();
    return name !== '' && isHeaderValue(value) && !ownHeaders.has(name.toLowerCase()) ? { name, value } : undefined;
  },
};

/** Printable Latin-1 and the tab (RFC 9110, section 5.5): what a header can carry in one byte a character. */
function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}
