import { build, type BuildOptions } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compiledFileOf } from '../src/compiled-program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const serverProgram = pathToFileURL(join(dist, 'server-program.cjs'));

// What is CommonJS in the bundle asks for Node's own modules by `require`, which an ES module has not.
const requireOfNode = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;

// And the other way: what is an ES module asks where it lies, and is strict.
const urlOfProgram = `"use strict"; const programUrl = require('node:url').pathToFileURL(__filename).href;`;

const common: BuildOptions = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // A native module, and one that serves files of its own directory.
  external: ['better-sqlite3', '@fastify/swagger-ui'],
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
};

// Each has what it needs for itself: files that two of them share would be many small ones.
const modules = { server: 'src/launch.ts', cli: 'src/cli.ts', 'database-thread': 'src/storage/sqlite/worker.ts' };

/**
 * Writes the program and what it depends on to a few files of `dist`: opening a thousand files took most of a start
 * (docs/adr/0012). What is imported later has a file of its own. Types are checked by tsc, not here.
 */
export async function bundle(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  const builds = await Promise.all([
    ...Object.entries(modules).map(([name, source]) => buildModule(name, source)),
    buildServer(),
  ]);
  const outputs = builds.flatMap(({ metafile }) => Object.keys(metafile?.outputs ?? {}));
  const written = [...outputs.map((file) => resolve(root, file)), fileURLToPath(compiledFileOf(serverProgram))];
  compileServer();
  removeOthers(new Set(written.map((file) => relative(dist, file))));
}

function buildModule(name: string, source: string) {
  return build({
    ...common,
    entryPoints: { [name]: source },
    format: 'esm',
    splitting: true,
    chunkNames: `${name}-[name]-[hash]`,
    banner: { js: requireOfNode },
    legalComments: 'eof',
  });
}

/** The server is CommonJS, of which V8's compiled code can be kept (src/compiled-program.ts). */
async function buildServer() {
  const built = await build({
    ...common,
    entryPoints: { 'server-program': 'src/server.ts' },
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    define: { 'import.meta.url': 'programUrl' },
    supported: { 'dynamic-import': false },
    banner: { js: urlOfProgram },
    // Without comments it is ASCII; those of licences have a file of their own.
    ...{ minifyWhitespace: true, lineLimit: 120, legalComments: 'linked' },
  });
  if (readFileSync(serverProgram).some((byte) => byte > 0x7f)) throw new Error('the bundle of the server is not ASCII');
  return built;
}

/** In a process of its own, as what a start compiles is known only to one that has started. */
function compileServer(): void {
  execFileSync(process.execPath, ['--import', 'tsx', join(root, 'scripts/compile.ts'), fileURLToPath(serverProgram)], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
}

/** Files of an earlier build; last, as a server of that build may still run. */
function removeOthers(written: ReadonlySet<string>): void {
  for (const name of readdirSync(dist)) {
    if (!written.has(name)) rmSync(join(dist, name), { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await bundle();
