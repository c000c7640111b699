/** Repeats an assertion until it holds, for at most `boundMs`; then its last error is thrown. */
export async function eventually<T>(assertion: () => T | Promise<T>, boundMs = 20_000): Promise<T> {
  const deadline = Date.now() + boundMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
