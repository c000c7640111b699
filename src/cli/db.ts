import { Command } from 'commander';
import { dbBackup } from './db-backup.ts';
import { dbDump } from './db-dump.ts';
import { dbRestore } from './db-restore.ts';
import { dbStats } from './db-stats.ts';
import { dbVerify } from './db-verify.ts';
import type { DefineCommand } from './command.ts';
import { withInner } from './manual.ts';

/** `aegis db`: looks after the audit database, beside a running server or without one. */
export const db: DefineCommand = (terminal, onExit) =>
  withInner(
    new Command('db')
      .summary('look after the audit database')
      .description('Backs up, verifies, restores, dumps and counts the audit database, a file. No server is asked.'),
    [
      dbBackup(terminal, onExit),
      dbVerify(terminal, onExit),
      dbRestore(terminal, onExit),
      dbDump(terminal, onExit),
      dbStats(terminal, onExit),
    ],
    {
      exits: { 0: 'done', 1: 'not done, or not intact', 3: 'the database could not be read' },
      examples: [
        'aegis db backup --db aegis.db --to /var/backups/aegis.db --force',
        'aegis db verify /var/backups/aegis.db',
        'aegis db restore --from /var/backups/aegis.db --db aegis.db',
        'aegis db dump --db aegis.db --table evaluations --format csv > evaluations.csv',
        'aegis db stats --db aegis.db',
      ],
    },
  );
