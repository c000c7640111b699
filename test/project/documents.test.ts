import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandsBelow } from '../../src/cli/run.ts';
import { reasonCodes } from '../../src/policy/gate-result.ts';
import { version } from '../../src/version.ts';
import { commandTree } from '../cli/command-tree.ts';
import { repositoryFiles, root } from '../support/running.ts';

const text = (file: string) => readFileSync(join(root, file), 'utf8');
const files = repositoryFiles();
const documents = files.filter((file) => /^[A-Z]+\.md$|^(docs|slos)\/.*\.md$/.test(file));

describe.each(documents)('%s', (file) => {
  it('links to files that are there', () => {
    const links = [...text(file).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    const missing = links.filter((link) => !/^https?:/.test(link) && !existsSync(join(root, dirname(file), link)));
    expect(missing).toEqual([]);
  });
});

/** Flags of npm, tsc, docker, curl and others that our documents and examples call. */
const foreign = new Set([
  '--unix-socket', // curl
  '--arg',
  '--create', // systemd-tmpfiles
  '--max-old-space-size', // node
  '--no-audit',
  '--no-fund',
  '--no-install-recommends',
  '--no-same-owner',
  '--strip-components',
  '--build',
  '--data-urlencode',
  '--from-file', // kubectl
  '--omit', // npm
  '--out', // our benchmarks
  '--fail',
  '--fail-with-body',
  '--head',
  '--init',
  '--kill-who', // systemctl
  '--max-time',
  '--no-cache',
  '--no-git-tag-version',
  '--now', // systemctl
  '--quiet',
  '--retry',
  '--retry-connrefused',
  '--retry-delay',
  '--spider',
  '--tail', // kubectl
  '--tries',
  '--watch',
]);

it('documents and examples name no flag that the two commands do not have', () => {
  const server = execFileSync(process.execPath, [join(root, 'dist', 'server.js'), '--help'], { encoding: 'utf8' });
  const commands = commandsBelow(commandTree()).flatMap(({ options }) => options.map(({ long }) => long));
  const known = new Set([...commands, ...(server.match(/--[a-z][a-z-]*/g) ?? [])]);
  const used = files
    .filter((file) => documents.includes(file) || /^examples\/|^docker-compose/.test(file))
    .flatMap((file) => (text(file).match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []).map((flag) => ({ file, flag })));
  expect(used.filter(({ flag }) => !known.has(flag) && !foreign.has(flag))).toEqual([]);
});

it('every reason code is explained', () => {
  const explained = text('docs/evaluation.md');
  expect(reasonCodes.filter((code) => !explained.includes(`\`${code}\``))).toEqual([]);
});

it('the version stands in the changelog and in every image tag', () => {
  expect(text('CHANGELOG.md')).toContain(`\n## [${version}]`);
  const tags = files
    .filter((file) => /^docker-compose|^examples\/(ci|kubernetes)\//.test(file))
    .flatMap((file) => [...text(file).matchAll(/aegis-slo:([\w.]+)/g)].map((match) => match[1]));
  expect(tags.length).toBeGreaterThan(3);
  expect(new Set(tags)).toEqual(new Set([version]));
});
