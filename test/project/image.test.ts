import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/prometheus.ts';
import { answers, outerEnvironment, repositoryFiles, root, start } from '../support/running.ts';
import { lacks } from '../support/services.ts';
import { mountOf, readCompose, wordsOf } from './compose.ts';
import { parseDockerfile, restsOf, type Stage } from './dockerfile.ts';

const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
const [build, final] = stages;
if (build === undefined || final === undefined) throw new Error('the Dockerfile has two stages');

/** Directories of the image, as directories of this machine: `/src` and `/app`, `/data`. */
interface Layout {
  readonly context: string;
  readonly src: string;
  readonly app: string;
  readonly data: string;
}

/** What the builder sends to the engine: files that .dockerignore lets through. Ours names what is let through. */
function copyContext(context: string): void {
  const [first, ...rest] = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n');
  expect(first).toBe('*');
  const allowed = rest.map((line) => line.replace(/^!/, ''));
  for (const file of repositoryFiles()) {
    if (allowed.some((one) => file === one || file.startsWith(`${one}/`)))
      cpSync(join(root, file), join(context, file));
  }
}

/** Does what the stage's WORKDIR, COPY and RUN say, in directories of this machine. Packages are not installed. */
function perform(stage: Stage, workdir: string, layout: Layout): void {
  for (const { name, rest } of stage.instructions) {
    if (name === 'COPY') copy(rest, workdir, layout);
    // The user `node` is the image's; here whoever runs the test owns the directory.
    const command = rest.replaceAll('/data', layout.data).replace('-o node -g node ', '');
    if (name === 'RUN' && !command.startsWith('apt-get')) {
      execFileSync('sh', ['-c', command], { cwd: workdir, env: outerEnvironment(), stdio: 'pipe' });
    }
  }
}

function copy(rest: string, workdir: string, layout: Layout): void {
  const words = rest.split(/\s+/);
  const fromBuild = words[0] === '--from=build';
  const sources = words.slice(fromBuild ? 1 : 0, -1);
  const target = words.at(-1) ?? '';
  for (const source of sources) {
    const from = fromBuild ? source.replace(/^\/src/, layout.src) : join(layout.context, source);
    // As Docker does: into a directory where the target ends with a slash, else to that name.
    const to = resolve(workdir, target.endsWith('/') ? join(target, basename(source)) : target);
    expect(existsSync(from), `COPY ${source}`).toBe(true);
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

describe('the image', () => {
  it('is built by one stage and run by another, small one', () => {
    expect(stages.map((stage) => stage.name)).toEqual(['build', '']);
    const image = (stage: Stage) => restsOf(stage, 'FROM')[0];
    expect(image(build)).toBe('node:${NODE_VERSION}-bookworm AS build');
    expect(image(final)).toBe('node:${NODE_VERSION}-bookworm-slim');
  });

  it('runs as a user without rights, under an init, with what its health check calls', () => {
    expect(restsOf(final, 'USER')).toEqual(['1000:1000']);
    expect(restsOf(final, 'ENTRYPOINT')).toEqual(['["tini", "--"]']);
    const installed = restsOf(final, 'RUN').find((command) => command.startsWith('apt-get')) ?? '';
    for (const needed of ['tini', 'wget', 'ca-certificates']) expect(installed.split(/\s+/)).toContain(needed);
  });
});

describe.skipIf(lacks('git', 'wget', 'g++', 'make'))('the layout that the image is made of', () => {
  let directory: string;
  let layout: Layout;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'aegis-image-'));
    const at = (name: string) => {
      mkdirSync(join(directory, name));
      return join(directory, name);
    };
    layout = { context: at('context'), src: at('src'), app: at('app'), data: join(directory, 'data') };
    copyContext(layout.context);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('builds from a clean copy and serves the quick start of docker-compose.yml', { timeout: 1_800_000 }, async () => {
    perform(build, layout.src, layout);
    perform(final, layout.app, layout);

    const service = (await readCompose('docker-compose.yml')).services['aegis-slo'];
    const mounts = (service?.volumes ?? []).map(mountOf);
    const port = await freePort();
    /** A path of the container as a path of this machine: what is mounted there, or the image's own. */
    const here = (word: string) =>
      mounts
        .reduce(
          (text, { source, target }) => text.replace(target, source.startsWith('.') ? join(root, source) : target),
          word,
        )
        .replace(/(^|=)\/app\//, `$1${layout.app}/`)
        .replace(/(^|=)\/data\//, `$1${layout.data}/`)
        .replace('--port=8080', `--port=${port}`);
    const [command = '', ...args] = wordsOf(service ?? {}).map(here);
    const server = start(command, args, { cwd: layout.app, env: outerEnvironment() });
    try {
      await answers(server, `http://127.0.0.1:${port}/readyz`);
      const answer = await fetch(`http://127.0.0.1:${port}/v1/gate/decision`, {
        method: 'POST',
        body: '{"sloID": "api-availability"}',
      });
      expect(await answer.json()).toMatchObject({ sloID: 'api-availability', decision: 'ALLOW' });
      expect(existsSync(join(layout.data, 'aegis.db'))).toBe(true);

      const check = (restsOf(final, 'HEALTHCHECK')[0] ?? '').replace(/^.*?\bCMD\s+/, '');
      const health = (ofPort: number) => () =>
        execFileSync('sh', ['-c', check], { env: { ...outerEnvironment(), PORT: String(ofPort) } });
      expect(check).toContain('wget');
      expect(health(port)).not.toThrow();
      expect(health(await freePort())).toThrow();
    } finally {
      expect(await server.stop()).toBe(0);
    }

    const validate = [join(layout.app, 'aegis'), 'validate', '--dir', join(root, 'slos')] as const;
    execFileSync(validate[0], validate.slice(1), { env: outerEnvironment(), stdio: 'pipe' });
    expect(existsSync(join(layout.app, 'node_modules/vitest'))).toBe(false);
    expect(dirname(command)).toBe(layout.app);
  });
});
