import type { WakeSignal } from '../clock.ts';

/**
 * Ends sleeps, as an AbortController does, in a tenth of its memory: there is one for each SLO, for as long as it is
 * served, and Node's takes a kilobyte with its listener.
 */
export class Closing implements WakeSignal {
  aborted = false;
  private listeners: readonly (() => void)[] = [];

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners = this.listeners.concat(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners = this.listeners.filter((one) => one !== listener);
  }

  close(): void {
    const { listeners } = this;
    this.aborted = true;
    this.listeners = [];
    for (const listener of listeners) listener();
  }
}
