/** RFC 3339, section 5.6. A `+` that a URL's decoding has turned into a space is taken for what it was. */
export const rfc3339Pattern =
  '^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,9})?(?:[Zz]|[+\\- ]\\d{2}:\\d{2})$';

const parts = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([+\- ])(\d{2}):(\d{2}))$/;

/** Epoch milliseconds, with a fraction where the text has more than three digits; null where it is no instant (2024-02-30). */
export function parseInstant(text: string): number | null {
  const match = parts.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [fraction, sign, offsetHour = '0', offsetMinute = '0'] = match.slice(7);
  const offsetMinutes = Number(offsetHour) * 60 + Number(offsetMinute);
  if (hour > 23 || minute > 59 || second > 59 || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const wallMs = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + Number(fraction ?? 0) * 1000;
  return wallMs - (sign === '-' ? -1 : 1) * offsetMinutes * 60_000;
}
