import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/prometheus.ts';
import { answers, outerEnvironment, repositoryFiles, root, type Running, start } from '../support/running.ts';
import { lacks } from '../support/services.ts';

interface Block {
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm),
].map(([, language = '', text = '']) => ({ language, text }));

/**
 * The README's blocks, pasted in order into a shell in a clean copy of the repository, with two differences: the clone
 * and `npm ci` have been done, and the port is another, because 8080 may be taken.
 */
describe.skipIf(lacks('bash', 'curl', 'git'))('the README', () => {
  let directory: string;
  let port: number;
  let server: Running | undefined;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'aegis-readme-'));
    port = await freePort();
    for (const file of repositoryFiles()) cpSync(join(root, file), join(directory, file));
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], { cwd: directory });
    git('init', '--quiet');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'as cloned');
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const paste = (text: string) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const shell = text.replaceAll('localhost:8080', `localhost:${port}`);
      execFile('bash', ['-e', '-c', shell], { cwd: directory, env: outerEnvironment() }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      );
    });

  /** A block that ends with `npm start` goes on running, in its own terminal; an earlier one was stopped with Ctrl-C. */
  async function pasteServer(text: string): Promise<void> {
    await server?.stop();
    const command = text.trim().split('\n').at(-1) ?? '';
    server = start('bash', ['-c', `exec ${command}`], {
      cwd: directory,
      env: { ...outerEnvironment(), PORT: String(port) },
    });
    // It compiles first.
    await answers(server, `http://localhost:${port}/readyz`, 300_000);
  }

  it('works, block by block, and its answers are as printed', { timeout: 1_800_000 }, async () => {
    let printed = '';
    for (const { language, text } of blocks) {
      if (language === 'json') expect(JSON.parse(printed)).toMatchObject(JSON.parse(text) as object);
      if (language !== 'bash') continue;
      if (/^npm start/m.test(text)) {
        await pasteServer(text);
        continue;
      }
      const { code, stdout, stderr } = await paste(text);
      expect(code, `${text}\n${stderr}`).toBe(0);
      printed = stdout;
    }
    expect(blocks.filter(({ language }) => language === 'json').length).toBeGreaterThan(1);
  });
});

describe('the SLO document of the README', () => {
  it('loads as it stands', () => {
    const directory = mkdtempSync(join(tmpdir(), 'aegis-readme-slo-'));
    writeFileSync(join(directory, 'slo.yaml'), blocks.find(({ language }) => language === 'yaml')?.text ?? '');
    const validate = () =>
      execFileSync(process.execPath, [join(root, 'dist/cli.js'), 'validate', '--dir', directory], { stdio: 'pipe' });
    expect(validate).not.toThrow();
    rmSync(directory, { recursive: true });
  });
});
