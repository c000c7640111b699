import { build } from 'esbuild';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

// What is CommonJS in the bundle asks for Node's own modules by `require`, which an ES module has not.
const requireOfNode = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;

// Each has what it needs for itself: files that two of them share would be many small ones.
const entries = { server: 'src/server.ts', cli: 'src/cli.ts', 'database-thread': 'src/storage/sqlite/worker.ts' };

/**
 * Writes the program and what it depends on to a few files of `dist`: opening a thousand files took most of a start
 * (docs/adr/0012). What is imported later has a file of its own. Types are checked by tsc, not here.
 */
export async function bundle(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  const builds = await Promise.all(Object.entries(entries).map(([name, source]) => buildOf(name, source)));
  const outputs = builds.flatMap(({ metafile }) => Object.keys(metafile.outputs));
  removeOthers(new Set(outputs.map((file) => relative(dist, resolve(root, file)))));
}

function buildOf(name: string, source: string) {
  return build({
    absWorkingDir: root,
    entryPoints: { [name]: source },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    chunkNames: `${name}-[name]-[hash]`,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // A native module, and one that serves files of its own directory.
    external: ['better-sqlite3', '@fastify/swagger-ui'],
    banner: { js: requireOfNode },
    legalComments: 'eof',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  });
}

/** Files of an earlier build; last, as a server of that build may still run. */
function removeOthers(written: ReadonlySet<string>): void {
  for (const name of readdirSync(dist)) {
    if (!written.has(name)) rmSync(join(dist, name), { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await bundle();
