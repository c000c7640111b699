import { openStorage } from '../storage/sqlite/open-storage.ts';
import { activityLogContract } from './activity-log.ts';
import { auditExporterContract } from './audit-exporter.ts';
import { auditReaderContract } from './audit-reader.ts';
import { evaluationLogContract, type StorageEngine } from './evaluation-log.ts';
import { keptOf, keptWindowsContract } from './kept-windows.ts';

async function openEngine(path?: string): Promise<StorageEngine> {
  const storage = await openStorage({ encodeKept: keptOf, ...(path !== undefined && { path }) });
  return {
    log: storage.log,
    reader: storage.reader,
    activity: storage.activity,
    activityReader: storage.activityReader,
    exporter: storage.exporter,
    keptWindows: storage.keptWindows,
    async reopen() {
      await storage.close(10_000);
      return openEngine(storage.path);
    },
  };
}

evaluationLogContract('SQLite', () => openEngine());
auditReaderContract('SQLite', () => openEngine());
activityLogContract('SQLite', () => openEngine());
auditExporterContract('SQLite', () => openEngine());
keptWindowsContract('SQLite', () => openEngine());
