#!/usr/bin/env node
import { createApp } from './app.ts';
import { createLiveSettings } from './config/live-settings.ts';
import { readSettings } from './config/read-settings.ts';
import { AegisError } from './errors.ts';
import { logCrashes } from './telemetry/crash.ts';
import { createLogger } from './telemetry/logger.ts';

const read = readSettings(process.argv.slice(2), process.env);

switch (read.kind) {
  case 'print':
    process.stdout.write(read.text);
    break;
  case 'usage':
    process.stderr.write(`${read.message}\n`);
    process.exitCode = 2;
    break;
  case 'settings': {
    const { settings } = read;
    const log = createLogger({ level: settings.logLevel, format: settings.logFormat });
    const live = createLiveSettings(read, () => readSettings(process.argv.slice(2), process.env));
    live.onChange(({ logLevel }) => log.setLevel(logLevel));
    logCrashes(log);
    for (const warning of read.warnings) log.warn(warning, { component: 'config' });
    const app = createApp(settings, log, { live });

    const stop = (signal: string) => {
      log.info(`${signal} received, stopping`, { component: 'process' });
      void app.stop().then((failures) => process.exit(failures.length === 0 ? 0 : 1));
    };
    process.on('SIGTERM', () => stop('SIGTERM'));
    process.on('SIGINT', () => stop('SIGINT'));
    process.on('SIGHUP', () => void app.reload());

    try {
      await app.start();
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      if (error.code === 'shutting_down') break; // the signal that stopped it ends the process
      log.error(error.message, { component: 'process', code: error.code });
      await app.stop();
      process.exit(1);
    }
  }
}
