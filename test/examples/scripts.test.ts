import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryFiles, root } from '../support/running.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';

const shebang = /^#!\/(?:usr\/)?bin\/(?:env )?(?:ba)?sh\b/;
const scripts = repositoryFiles().filter(
  (file) => file.startsWith('examples/') && shebang.test(readFileSync(join(root, file), 'utf8')),
);

describe.skipIf(lacks('shellcheck'))('scripts for operators, by shellcheck', () => {
  it.each(scripts)('%s', (file) => {
    execFileSync('shellcheck', ['--severity=warning', join(root, file)], { encoding: 'utf8' });
  });
});

describe.skipIf(lacks('logrotate'))('examples/logrotate', () => {
  it('rotates a full log as logrotate would on a machine with it', () => {
    const here = scratch();
    const rule = readFileSync(join(root, 'examples/logrotate/aegis-server'), 'utf8')
      .replaceAll('/var/log/aegis/', `${here}/`)
      .replaceAll('create 0640 aegis adm', 'create 0640'); // there is no such user here
    const path = join(here, 'rule');
    writeFileSync(path, rule);
    chmodSync(path, 0o644);
    writeFileSync(join(here, 'aegis.log'), 'one line\n');
    const state = join(here, 'state');
    const command = 'exec logrotate --debug --force --state "$1" "$0" 2>&1';
    const said = execFileSync('sh', ['-c', command, path, state], { encoding: 'utf8' });
    expect(said).toContain('rotating pattern');
    expect(said).toContain('log needs rotating');
    expect(said).toContain('systemctl kill --kill-who=main -s HUP aegis-server.service');
    expect(said).not.toMatch(/error|unknown/i);
  });
});

describe('examples/cron/aegis-backup', () => {
  it('makes a backup beside those of the day, and removes what is older than thirty days', () => {
    const here = scratch();
    const [bin, backups, db] = [join(here, 'bin'), join(here, 'backups'), join(here, 'aegis.db')];
    mkdirSync(bin);
    mkdirSync(backups);
    writeFileSync(db, '');
    // Stands for the command: what it is given is what is looked at here; test/cli has the rest.
    writeFileSync(join(bin, 'aegis'), '#!/bin/sh\n[ "$1 $2 $3 $5" = "db backup --db --to" ] && cp "$4" "$6"\n');
    chmodSync(join(bin, 'aegis'), 0o755);
    for (const name of ['aegis-20200101.db', 'aegis-20200102T023000Z.db', 'other.db']) {
      writeFileSync(join(backups, name), '');
      execFileSync('touch', ['-d', '40 days ago', join(backups, name)]);
    }
    const env = { PATH: `${bin}:${process.env.PATH ?? ''}`, AEGIS_DB: db, AEGIS_BACKUPS: backups };
    execFileSync(join(root, 'examples/cron/aegis-backup'), { env });
    expect(readdirSync(backups).sort()).toEqual([expect.stringMatching(/^aegis-\d{8}T\d{6}Z\.db$/), 'other.db']);
  });
});
