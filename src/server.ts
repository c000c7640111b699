import { checkAccessFiles } from './access/create-access.ts';
import { createApp } from './app.ts';
import { createLiveSettings } from './config/live-settings.ts';
import { readSettings } from './config/read-settings.ts';
import { AegisError, messageOf } from './errors.ts';
import { logCrashes } from './telemetry/crash.ts';
import { openLogFile, type LogFile } from './telemetry/log-file.ts';
import { createLogger } from './telemetry/logger.ts';
import { holdTickShape } from './tick-shape.ts';

async function main(): Promise<void> {
  const read = readSettings(process.argv.slice(2), process.env);

  /** Ends the start at once, with one line. */
  const refuse = (message: string) => {
    process.stderr.write(`${message}\n`);
    process.exitCode = 2;
  };

  switch (read.kind) {
    case 'print':
      process.stdout.write(read.text);
      break;
    case 'usage':
      refuse(read.message);
      break;
    case 'settings': {
      const { settings } = read;
      holdTickShape();
      const mistake = await checkAccessFiles(settings.access).catch((error: unknown) => messageOf(error));
      if (mistake !== undefined) {
        refuse(`aegis-server: ${mistake}`);
        break;
      }
      const file = openFile(settings.logFile);
      const log = createLogger({
        level: settings.logLevel,
        format: settings.logFormat,
        ...(file && { destination: { output: file.output, isTerminal: false, colours: false } }),
      });
      // What ends the process is said where its starter looks, too.
      const alsoTell = (text: string) => {
        if (file !== undefined) process.stderr.write(text);
      };
      const live = createLiveSettings(read, () => readSettings(process.argv.slice(2), process.env));
      live.onChange(({ logLevel }) => log.setLevel(logLevel));
      logCrashes(log, alsoTell);
      for (const warning of read.warnings) log.warn(warning, { component: 'config' });
      const app = createApp(settings, log, { live });

      const stop = (signal: string) => {
        log.info(`${signal} received, stopping`, { component: 'process' });
        void app.stop().then((failures) => process.exit(failures.length === 0 ? 0 : 1));
      };
      process.on('SIGTERM', () => stop('SIGTERM'));
      process.on('SIGINT', () => stop('SIGINT'));
      process.on('SIGHUP', () => {
        file?.reopen();
        void app.reload();
      });

      try {
        await app.start();
      } catch (error) {
        if (!(error instanceof AegisError)) throw error;
        if (error.code === 'shutting_down') break; // the signal that stopped it ends the process
        log.error(error.message, { component: 'process', code: error.code });
        alsoTell(`aegis-server: ${error.message}\n`);
        await app.stop();
        process.exit(1);
      }
    }
  }
}

function openFile(path: string | undefined): LogFile | undefined {
  try {
    return path === undefined ? undefined : openLogFile(path);
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    process.stderr.write(`aegis-server: ${error.message}\n`);
    process.exit(2);
  }
}

void main();
