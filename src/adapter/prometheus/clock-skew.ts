/**
 * The source's clock minus ours, from its `Date` header, which is whole seconds and was written at some moment between
 * our request and its answer: 0 where one of these moments explains it, and else the least skew that does.
 */
export function clockSkewMs(
  date: string | undefined,
  { sentAtMs, receivedAtMs }: { readonly sentAtMs: number; readonly receivedAtMs: number },
): number | null {
  const writtenMs = date === undefined ? NaN : Date.parse(date);
  if (Number.isNaN(writtenMs)) return null;
  if (writtenMs > receivedAtMs) return writtenMs - receivedAtMs;
  // The header says 12:00:00 until 12:00:01.
  return Math.min(0, writtenMs + 1000 - sentAtMs);
}
