import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createFileReader } from '../../src/catalogue/file-reader.ts';
import { scratch } from '../support/scratch.ts';
import { sloText } from './slo-files.ts';

it('a file that is written again within the resolution of its times is read again', async () => {
  const file = join(scratch(), 'a.yaml');
  const reader = createFileReader(() => Date.now());
  for (let round = 0; round < 200; round += 1) {
    writeFileSync(file, sloText(`slo-${100 + round}`));
    const reading = await reader.read(file);
    expect(reading && 'parsed' in reading && reading.parsed.slos[0]?.slo.id).toBe(`slo-${100 + round}`);
  }
});

it('a file that is as it was is not parsed again', async () => {
  const file = join(scratch(), 'a.yaml');
  writeFileSync(file, sloText('slo-a'));
  const reader = createFileReader(() => Date.now() + 60_000);
  expect(await reader.read(file)).toBe(await reader.read(file));
});
