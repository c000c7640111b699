import { messageOf } from '../errors.ts';
import type { Logger } from './logger.ts';

/**
 * For the process of the server: a programmer's error is logged with its stack before the process ends with exit code 1,
 * and however the process ends, what the log holds is written. `alsoTell`: where the log is not what a terminal shows.
 */
export function logCrashes(logger: Logger, alsoTell: (text: string) => void = () => undefined): void {
  // Also called for a promise that was rejected and that nobody handled.
  process.on('uncaughtException', (error: unknown, origin) => {
    const stack = error instanceof Error ? error.stack : undefined;
    logger.fatal(`crashed: ${messageOf(error)}`, { component: 'process', origin, stack });
    alsoTell(`aegis-server: crashed: ${stack ?? messageOf(error)}\n`);
    process.exit(1);
  });
  process.on('exit', () => logger.flush());
  // A reader of our output that has gone must not take the server with it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
