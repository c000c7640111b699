import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { elapsedMs, type Clock, type Instant } from '../clock.ts';
import type { DiskSpace, SystemReport } from './ports.ts';

export interface SystemWatch {
  report(disk: DiskSpace | null): SystemReport;
  /** Measures the CPU since the last look, and counts what is open. */
  look(): void;
}

export function createSystemWatch(clock: Clock): SystemWatch {
  const startedAt = clock.now();
  let last: { readonly at: Instant; readonly cpu: NodeJS.CpuUsage } = { at: startedAt, cpu: process.cpuUsage() };
  let interval: { readonly percent: number | null; readonly seconds: number } = { percent: null, seconds: 0 };
  let open: number | null = null;
  let limit: number | null = null;
  let isCounting = false;

  /** From the kernel's own memory; where there is no such directory, nothing is known. */
  async function countFiles(): Promise<void> {
    if (isCounting) return;
    isCounting = true;
    open = await readdir('/proc/self/fd').then(
      (names) => names.length,
      () => null,
    );
    limit = await readFile('/proc/self/limits', 'utf8').then(limitOf, () => null);
    isCounting = false;
  }

  return {
    look() {
      const now = { at: clock.now(), cpu: process.cpuUsage() };
      const tookMs = elapsedMs(last.at, now.at);
      const usedMs = (now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system) / 1000;
      if (tookMs > 0) interval = { percent: roundedTo(1, (100 * usedMs) / tookMs), seconds: tookMs / 1000 };
      last = now;
      void countFiles();
    },
    report(disk) {
      const { user, system } = process.cpuUsage();
      const memory = process.memoryUsage();
      return {
        startedAtMs: startedAt.wallMs,
        uptimeSeconds: roundedTo(1, elapsedMs(startedAt, clock.now()) / 1000),
        cpu: {
          userSeconds: user / 1e6,
          systemSeconds: system / 1e6,
          percent: interval.percent,
          intervalSeconds: roundedTo(1, interval.seconds),
          cores: availableParallelism(),
          loadAverage: loadavg(),
        },
        memory: {
          rssBytes: memory.rss,
          heapUsedBytes: memory.heapUsed,
          heapTotalBytes: memory.heapTotal,
          externalBytes: memory.external,
          limitBytes: memoryLimit(process.constrainedMemory(), totalmem()),
        },
        fileDescriptors: { open, limit },
        disk,
      };
    },
  };
}

/** A control group without a limit says 0, or more than the machine has. */
export function memoryLimit(constrained: number, total: number): number {
  return constrained > 0 && constrained < total ? constrained : total;
}

/** The soft one, in /proc/self/limits; null where it is unlimited. */
export function limitOf(limits: string): number | null {
  const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return found === undefined ? null : Number(found);
}

function roundedTo(digits: number, value: number): number {
  return Number(value.toFixed(digits));
}
