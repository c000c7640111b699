import { buildSync } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiledFileOf } from '../src/compiled-program.ts';
import { outerEnvironment, root } from './support/running.ts';

let directory: string;
let program: URL;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'aegis-program-'));
  program = pathToFileURL(join(directory, 'program.cjs'));
  const [outfile, entry] = [join(directory, 'opening.mjs'), join(root, 'src/compiled-program.ts')];
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm' });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(() => {
  write('one');
  compile();
});

function write(word: string): void {
  writeFileSync(program, `"use strict"; function say() { console.log('${word}'); } say();`);
}

/** What is printed by a process of its own: one that has compiled a text before knows it. */
function opened(andThen: string): string {
  const { href } = program;
  const code = `import * as opening from './opening.mjs'; const opened = opening.openProgram(new URL('${href}')); ${andThen}`;
  const args = ['--input-type=module', '--eval', code];
  return execFileSync(process.execPath, args, { cwd: directory, env: outerEnvironment(), encoding: 'utf8' });
}

function compile(): void {
  const file = JSON.stringify(compiledFileOf(program).pathname);
  opened(`opened.run(); (await import('node:fs')).writeFileSync(${file}, opened.compiled());`);
}

function run() {
  const [said, wasCompiled] = opened('opened.run(); console.log(opened.wasCompiled);').split('\n');
  return { said, wasCompiled };
}

describe('a program with what was compiled of it', () => {
  it('runs as it was compiled', () => {
    expect(run()).toEqual({ said: 'one', wasCompiled: 'true' });
  });

  it('runs where nothing was', () => {
    rmSync(compiledFileOf(program));
    expect(run()).toEqual({ said: 'one', wasCompiled: 'false' });
  });

  it('runs as it is written where it has changed, be it as long as before', () => {
    write('two');
    expect(run()).toEqual({ said: 'two', wasCompiled: 'false' });
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['of three bytes', (compiled: Buffer) => compiled.subarray(0, 3)],
    ['cut off', (compiled: Buffer) => compiled.subarray(0, compiled.length - 9)],
    ['of another V8', (compiled: Buffer) => flipped(compiled, 10)],
    ['changed in one bit', (compiled: Buffer) => flipped(compiled, compiled.length - 100)],
  ])('runs where what was compiled is %s', (_, change) => {
    const file = compiledFileOf(program);
    writeFileSync(file, change(readFileSync(file)));
    expect(run()).toEqual({ said: 'one', wasCompiled: 'false' });
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
