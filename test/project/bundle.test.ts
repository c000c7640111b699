import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/running.ts';

/** What a built file imports when it is loaded, but Node's own modules. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, 'dist', file), 'utf8');
  const found = [...text.matchAll(/^(?:import|export)\b[^;'"]*?\bfrom ?"([^"]+)";?$|^import "([^"]+)";$/gm)];
  return [...new Set(found.map(([, from, alone]) => from ?? alone ?? ''))].filter((name) => !isBuiltin(name)).sort();
}

// Each package that is found in node_modules costs a start its files, one by one (docs/adr/0012).
it.each([
  ['server.js', []],
  ['database-thread.js', ['better-sqlite3']],
])('%s is loaded as one file, with no other packages than %j', (file, packages) => {
  expect(importsOf(file)).toEqual(packages);
});

it('aegis loads nothing from other packages before it knows its command', () => {
  expect(importsOf('cli.js').filter((name) => !name.startsWith('./'))).toEqual([]);
});
