/**
 * 1 − objective, exact on the decimal that was written: the double nearest to 1/10^8 for 0.99999999, where the
 * subtraction of doubles is off by 6e-9. A double's shortest decimal text is the one written (up to 15 digits).
 */
export function errorBudget(objective: number): number {
  const [mantissa = '', exponent = '0'] = String(objective).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const decimals = fraction.length - Number(exponent);
  if (decimals <= 0) return 1 - objective;
  const numerator = BigInt(whole + fraction);
  const complement = 10n ** BigInt(decimals) - numerator;
  return Number(`${complement}e-${decimals}`);
}

/** Whether any error rate burns as fast as this: all events are errors at a burn rate of 1 / budget; equality is reached. */
export function canBeReached(threshold: number, objective: number): boolean {
  return threshold * errorBudget(objective) <= 1 + 1e-9;
}
