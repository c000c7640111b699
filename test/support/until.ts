/** Asks again and again until the answer is neither undefined, null nor false; fails after the bound with the last error. */
export async function until<T>(ask: () => T | Promise<T>, what: string, boundMs = 30_000): Promise<NonNullable<T>> {
  const endMs = performance.now() + boundMs;
  let lastError: unknown;
  while (performance.now() < endMs) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      lastError = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ${boundMs} ms: ${what}`, { cause: lastError });
}
