import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

/** Runs a script in a process of its own. */
function start(script: string) {
  return spawn(
    process.execPath,
    [
      '--import=tsx',
      '--input-type=module',
      '--eval',
      `import { createLogger } from ${JSON.stringify(new URL('../../src/telemetry/logger.ts', import.meta.url).href)};
       import { logCrashes } from ${JSON.stringify(new URL('../../src/telemetry/crash.ts', import.meta.url).href)};
       const logger = createLogger({ level: 'info', format: 'auto' });
       logCrashes(logger);
       ${script}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
}

async function messagesOf(script: string): Promise<{ messages: string[]; code: number | null }> {
  const child = start(script);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const messages = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { message: string }).message);
  return { messages, code };
}

test('the last lines are written at the end of the process, more of them than a pipe holds', async () => {
  const { messages, code } = await messagesOf(`for (let i = 0; i < 5000; i++) logger.info('line ' + i);`);
  expect(code).toBe(0);
  expect(messages).toEqual(Array.from({ length: 5000 }, (_, i) => `line ${i}`));
});

test.each([
  ['an exit', 'process.exit(3);', 3, []],
  ['an exception', 'throw new Error("boom");', 1, ['crashed: boom']],
  [
    'a rejection that nobody handles',
    'Promise.reject(new Error("boom")); await new Promise((r) => setTimeout(r, 60_000));',
    1,
    ['crashed: boom'],
  ],
])('no line is lost at %s', async (_, end, expectedCode, last) => {
  const { messages, code } = await messagesOf(`logger.info('first'); ${end}`);
  expect(messages).toEqual(['first', ...last]);
  expect(code).toBe(expectedCode);
});

test('what crashed it is said beside the log, where the log is not what its starter sees', async () => {
  const child = start(`
    process.removeAllListeners('uncaughtException');
    logCrashes(logger, (text) => process.stderr.write(text));
    throw new Error('boom');`);
  let err = '';
  child.stdout.resume();
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(err).toMatch(/^aegis-server: crashed: Error: boom\n {4}at /);
});

test('a reader that goes away does not end the process', async () => {
  const child = start(`
    process.once('SIGTERM', () => process.exit(7));
    process.stderr.write('up');
    setInterval(() => { logger.warn('x'.repeat(10_000)); process.stderr.write('.'); }, 5);`);
  child.stdout.destroy();
  await readUntil(child.stderr, (text) => text.length > 20);
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([7, null]);
});

test('a reader that has stopped reading does not hold the process, and it ends all the same', async () => {
  const child = start(`
    process.once('SIGTERM', () => process.exit(7));
    process.stderr.write('up');
    setInterval(() => { for (let i = 0; i < 50; i++) logger.warn('x'.repeat(10_000)); process.stderr.write('.'); }, 5);`);
  child.stdout.pause();
  await readUntil(child.stderr, (text) => text.length > 20);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([7, null]);
  child.stdout.destroy();
});

async function readUntil(stream: NodeJS.ReadableStream, enough: (text: string) => boolean): Promise<void> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    if (enough(text)) return;
  }
  throw new Error(`the process ended after ${JSON.stringify(text)}`);
}
