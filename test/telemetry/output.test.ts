import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createOutput } from '../../src/telemetry/output.ts';

/** A descriptor that takes as many bytes at a time as it is told, and fails with the code that is set. */
function descriptor() {
  const taken: Uint8Array[] = [];
  const state = { most: Infinity, fails: undefined as string | undefined, calls: 0 };
  const writeBytes = (bytes: Uint8Array): number => {
    state.calls += 1;
    if (state.fails !== undefined) throw Object.assign(new Error(state.fails), { code: state.fails });
    const part = Buffer.from(bytes.subarray(0, Math.min(state.most, bytes.length)));
    taken.push(part);
    return part.length;
  };
  return { state, writeBytes, text: () => Buffer.concat(taken).toString() };
}

test('lines wait for each other until they are many, urgent or old', () => {
  vi.useFakeTimers();
  const fd = descriptor();
  const output = createOutput(-1, { writeBytes: fd.writeBytes, minLength: 8, flushEveryMs: 500 });
  output.write('a\n', 'buffered');
  expect(fd.text()).toBe('');
  output.write('bcdefg\n', 'buffered');
  expect(fd.text()).toBe('a\nbcdefg\n');
  output.write('x\n', 'buffered');
  output.write('y\n', 'now');
  expect(fd.text()).toBe('a\nbcdefg\nx\ny\n');
  output.write('z\n', 'buffered');
  vi.advanceTimersByTime(500);
  expect(fd.text()).toBe('a\nbcdefg\nx\ny\nz\n');
  vi.useRealTimers();
});

test('what a full pipe does not take waits in order, is bounded, and what is dropped is counted', () => {
  vi.useFakeTimers();
  const fd = descriptor();
  const output = createOutput(-1, { writeBytes: fd.writeBytes, minLength: 1, maxLength: 2000, flushEveryMs: 500 });
  fd.state.fails = 'EAGAIN';
  const line = (digit: string) => `${digit.repeat(999)}\n`;
  for (const digit of ['1', '2', '3', '4']) output.write(line(digit), 'now');
  expect(output.takeDropped()).toBe(0); // there is no place for the line that would tell it
  fd.state.fails = undefined;
  vi.advanceTimersByTime(500);
  expect(fd.text()).toBe(line('1') + line('2'));
  expect(output.takeDropped()).toBe(2);
  expect(output.takeDropped()).toBe(0);
  output.write(line('5'), 'now');
  expect(fd.text()).toBe(line('1') + line('2') + line('5'));
  vi.useRealTimers();
});

test('a reader that has gone ends the output without an error', () => {
  const fd = descriptor();
  const output = createOutput(-1, { writeBytes: fd.writeBytes });
  fd.state.fails = 'EPIPE';
  output.write('a\n', 'now');
  fd.state.fails = undefined;
  output.write('b\n', 'now');
  output.flush(10);
  expect(fd.text()).toBe('');
  expect(fd.state.calls).toBe(1);
});

test('flush gives up after its bound', () => {
  const fd = descriptor();
  const output = createOutput(-1, { writeBytes: fd.writeBytes });
  fd.state.fails = 'EAGAIN';
  output.write('a\n', 'now');
  output.flush(30);
  fd.state.fails = undefined;
  output.flush(30);
  expect(fd.text()).toBe('a\n');
});

test('whatever the descriptor takes at a time, all bytes come out once and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ line: fc.string({ unit: 'binary', maxLength: 20 }), most: fc.integer({ min: 1, max: 9 }) })),
      fc.integer({ min: 1, max: 30 }),
      (writes, minLength) => {
        const fd = descriptor();
        const output = createOutput(-1, { writeBytes: fd.writeBytes, minLength });
        for (const [index, { line, most }] of writes.entries()) {
          fd.state.most = most;
          fd.state.fails = index % 3 === 0 ? 'EAGAIN' : undefined;
          output.write(`${line}\n`, index % 2 === 0 ? 'now' : 'buffered');
        }
        fd.state.fails = undefined;
        output.flush(0);
        expect(fd.text()).toBe(Buffer.from(writes.map(({ line }) => `${line}\n`).join('')).toString());
      },
    ),
  );
});
