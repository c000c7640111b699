import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { outerEnvironment, root } from '../support/running.ts';
import { version } from '../../src/version.ts';

/** What a built file imports when it is loaded, but Node's own modules. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, 'dist', file), 'utf8');
  const found = [...text.matchAll(/^(?:import|export)\b[^;'"]*?\bfrom ?"([^"]+)";?$|^import "([^"]+)";$/gm)];
  return [...new Set(found.map(([, from, alone]) => from ?? alone ?? ''))].filter((name) => !isBuiltin(name)).sort();
}

// Each package that is found in node_modules costs a start its files, one by one (docs/adr/0012).
it.each([['database-thread.js', ['better-sqlite3']]])(
  '%s is loaded as one file, with no other packages than %j',
  (file, packages) => {
    expect(importsOf(file)).toEqual(packages);
  },
);

it('aegis loads nothing from other packages before it knows its command', () => {
  expect(importsOf('cli.js').filter((name) => !name.startsWith('./'))).toEqual([]);
});

it('the server is loaded without a package', () => {
  const alone = mkdtempSync(join(tmpdir(), 'aegis-bundle-'));
  onTestFinished(() => rmSync(alone, { recursive: true, force: true }));
  for (const name of ['dist', 'package.json']) cpSync(join(root, name), join(alone, name), { recursive: true });
  const args = [join(alone, 'dist/server.js'), '--version'];
  expect(execFileSync(process.execPath, args, { env: outerEnvironment(), encoding: 'utf8' })).toContain(version);
});

it('the server is loaded as this Node compiled it at its build', () => {
  const telling = `
    import { syncBuiltinESMExports } from 'node:module';
    import vm from 'node:vm';
    const { Script } = vm;
    vm.Script = function (...args) {
      const script = new Script(...args);
      console.log('refused by V8:', script.cachedDataRejected);
      return script;
    };
    syncBuiltinESMExports();`;
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(telling)}`,
    join(root, 'dist/server.js'),
    '--version',
  ];
  const said = execFileSync(process.execPath, args, { env: outerEnvironment(), encoding: 'utf8' });
  expect(said).toContain('refused by V8: false\n');
});
