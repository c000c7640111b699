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
