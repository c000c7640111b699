import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { noRows, type WriterCalls } from '../../../src/storage/sqlite/messages.ts';
import { startWorker } from '../../../src/storage/sqlite/worker-client.ts';
import { scratch } from '../../support/scratch.ts';

it('answers each call once and in its order, whether they come together or one by one', async () => {
  const input = { role: 'writer', path: join(scratch(), 'aegis.db') } as const;
  const worker = startWorker<WriterCalls>(input, () => undefined);
  onTestFinished(() => worker.terminate());
  expect(await worker.call('open')).toEqual({ kind: 'opened' });
  const answers: number[] = [];
  const call = (number: number) => worker.call('commit', noRows).then(() => answers.push(number));
  for (let number = 0; number < 100; number++) await call(number);
  await Promise.all(Array.from({ length: 100 }, (_, index) => call(100 + index)));
  for (let number = 200; number < 300; number++) await call(number);
  await worker.call('close');
  await expect(worker.call('commit', noRows)).rejects.toThrow('the database is not open');

  expect(answers).toEqual(Array.from({ length: 300 }, (_, number) => number));
  expect(worker.pending()).toBe(0);
});
