import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openAccessControl } from '../../src/access/create-access.ts';
import { systemClock } from '../../src/clock.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { scratch } from '../support/scratch.ts';

const key = `keys:\n  - {id: deploy, hash: "sha256:${'ab'.repeat(32)}", scopes: [decide]}\n`;

/** Access by a file of keys with this text. */
async function access(text: string) {
  const file = join(scratch(), 'keys.yaml');
  const put = (next: string) => {
    writeFileSync(`${file}.new`, next, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  put(text);
  const log = createRecordingLog();
  const opened = await openAccessControl(
    { keysFile: file, oidcFile: undefined, openMetrics: false },
    { clock: systemClock, log, onReload: () => undefined },
  );
  onTestFinished(() => opened.stop());
  return { opened, put, log };
}

it('a file of keys that was cut off keeps the keys that were read, one with an empty list takes them', async () => {
  const { opened, put } = await access(key);
  put('');
  expect((await opened.reload()).keys).toMatchObject({
    outcome: 'kept',
    message: expect.stringContaining('empty') as unknown,
  });
  put('keys: []\n');
  expect((await opened.reload()).keys).toMatchObject({ outcome: 'ok' });
});

it('a start with a file without a byte says what to write', async () => {
  await expect(access('')).rejects.toMatchObject({
    code: 'invalid_setting',
    message: expect.stringMatching(/--api-keys-file: .*keys\.yaml: not allowed: empty \(an empty list/) as unknown,
  });
});

it('whoever was told of a mistake is told of its end, though the file is what it was before', async () => {
  const { opened, put, log } = await access(key);
  put('keys: no list\n');
  await opened.reload();
  const told = log.lines.length;
  put(key);
  await opened.reload();
  await opened.reload();
  expect(log.lines.slice(told).map(({ message }) => message)).toEqual([expect.stringMatching(/^read .*keys\.yaml: /)]);
});
