import { setTimeout as wait } from 'node:timers/promises';

/** Acts each 20 ms until it succeeds; past the bound its error is ours. */
export async function until<T>(act: () => Promise<T>, boundMs = 120_000): Promise<T> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await wait(20);
  }
}
