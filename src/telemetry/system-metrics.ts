import { Gauge, type Registry } from 'prom-client';

export interface SystemSources {
  /** Room on the audit database's file system; null where it is not known. */
  readonly disk: () => { readonly freeBytes: number; readonly sizeBytes: number } | null;
}

/** Disk space; what the process itself takes is in prom-client's own metrics. */
export function addSystemMetrics(registers: Registry[], { disk }: SystemSources): void {
  const gauge = (name: string, help: string, of: 'freeBytes' | 'sizeBytes') =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        // Unknown is no number: a 0 would be a full disk.
        this.set(disk()?.[of] ?? NaN);
      },
    });
  gauge('aegis_disk_free_bytes', "Bytes that may still be written to the database's file system.", 'freeBytes');
  gauge('aegis_disk_size_bytes', "Size of the database's file system.", 'sizeBytes');
}
