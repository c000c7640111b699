import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** A program of one CommonJS file, not running yet. It has `require`; `import()` fails in what V8 compiled before. */
export interface OpenProgram {
  run(): void;
  /** False where V8 had to compile the text. */
  readonly wasCompiled: boolean;
  /** What V8 has compiled so far, to be written beside the program. */
  compiled(): Buffer;
}

/** The file of what was compiled of a program. */
export function compiledFileOf(program: URL): URL {
  return new URL(`${program.href}.compiled`);
}

/**
 * Reads a program with what V8 compiled of it before. Where that is missing, damaged, of another text, another V8 or
 * other flags, the text is compiled. The last two V8 finds out by itself; of the text it compares the length only, and
 * damage it does not look for.
 */
export function openProgram(program: URL): OpenProgram {
  const text = readFileSync(program);
  const cachedData = readCompiled(program, text);
  const filename = fileURLToPath(program);
  // The bundle is ASCII: one byte is a character.
  const script = new Script(`(function (require, __filename) {${text.toString('latin1')}\n})`, {
    filename,
    ...(cachedData !== undefined && { cachedData }),
  });
  return {
    run() {
      const main = script.runInThisContext() as (require: NodeJS.Require, filename: string) => void;
      main(createRequire(program), filename);
    },
    wasCompiled: script.cachedDataRejected === false,
    compiled() {
      const compiled = script.createCachedData();
      return Buffer.concat([sumOf(text, compiled), compiled]);
    },
  };
}

const sumBytes = 4;

function sumOf(text: Buffer, compiled: Buffer): Buffer {
  const sum = Buffer.alloc(sumBytes);
  sum.writeUInt32LE(crc32(compiled, crc32(text)));
  return sum;
}

function readCompiled(program: URL, text: Buffer): Buffer | undefined {
  try {
    const bytes = readFileSync(compiledFileOf(program));
    const compiled = bytes.subarray(sumBytes);
    return bytes.subarray(0, sumBytes).equals(sumOf(text, compiled)) ? compiled : undefined;
  } catch {
    return undefined; // it only saves time
  }
}
