import { Gauge, type Registry } from 'prom-client';
import type { DiskSpace } from '../health/ports.ts';

export interface SystemSources {
  /** Null where it is not known. */
  readonly disk: () => DiskSpace | null;
}

/** Disk space; what the process itself takes is in prom-client's own metrics. */
export function addSystemMetrics(registers: Registry[], { disk }: SystemSources): void {
  const gauge = (name: string, help: string, of: keyof DiskSpace) =>
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
  gauge('aegis_audit_database_size_bytes', 'Size of the audit database with its write-ahead log.', 'databaseBytes');
}
