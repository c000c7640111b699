import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../src/config/read-settings.ts';
import { root } from '../support/running.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';

const directory = join(root, 'examples/systemd');
const text = (name: string) => readFileSync(join(directory, name), 'utf8');
const units = readdirSync(directory).filter((name) => /\.(service|timer)$/.test(name));
const services = units.filter((name) => name.endsWith('.service'));

/** What a checker says, on both streams; what it refuses ends it with an error. */
function says(command: string, ...args: readonly string[]): string {
  return execFileSync('sh', ['-c', 'exec "$0" "$@" 2>&1', command, ...args], { encoding: 'utf8' });
}

describe.skipIf(lacks('systemd-analyze'))('examples/systemd, by the checker of systemd', () => {
  it('has no fault', () => {
    const here = scratch();
    for (const unit of units) {
      // The commands as they are on this machine; those of an installation are not there.
      const at = text(unit)
        .replace('/usr/local/bin/node', process.execPath)
        .replace('/usr/local/sbin/aegis-backup', join(root, 'examples/cron/aegis-backup'));
      writeFileSync(join(here, unit), at);
    }
    const paths = units.map((unit) => join(here, unit));
    expect(says('systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', ...paths)).toBe('');
  });

  it.each(services)('confines %s', (unit) => {
    // 0 is the least, 10 the most exposed; ordinary services are at 9.
    const args = ['security', '--offline=true', '--threshold=20', '--no-pager', join(directory, unit)];
    expect(says('systemd-analyze', ...args)).toMatch(/Overall exposure level for .*: [01]\.\d/);
  });

  it('names a user that systemd makes', () => {
    if (lacks('systemd-sysusers')) return;
    const here = scratch();
    copyFileSync(join(directory, 'aegis.sysusers.conf'), join(here, 'aegis.conf'));
    expect(says('systemd-sysusers', '--dry-run', join(here, 'aegis.conf'))).toMatch(/aegis|^$/);
  });
});

describe('examples/systemd', () => {
  it.each(['aegis.yaml', 'replica.yaml'])('has settings in %s that the server takes', (name) => {
    const outcome = readSettings(['--config', join(directory, name)], {});
    expect(outcome).toMatchObject({
      kind: 'settings',
      settings: { db: '/var/lib/aegis/aegis.db', sloDir: '/etc/aegis/slos' },
    });
    expect(outcome).toMatchObject({ settings: { readOnly: name === 'replica.yaml' } });
  });

  it('confines the replica as it confines the active server, and takes the database from it', () => {
    const settings = (unit: string) =>
      text(unit)
        .split('\n')
        .filter((line) => /^[A-Z]\w+=/.test(line));
    const [active, replica] = [settings('aegis-server.service'), settings('aegis-replica.service')];
    expect(active.filter((line) => !replica.includes(line))).toEqual([
      'Description=AegisSLO, the release gate',
      'ExecStart=/usr/local/bin/node /opt/aegis-slo/dist/server.js --config /etc/aegis/aegis.yaml',
      'StateDirectory=aegis',
      'StateDirectoryMode=0750',
      'LogsDirectory=aegis',
      'RuntimeDirectory=aegis',
      'Alias=aegis.service',
    ]);
    expect(replica.filter((line) => !active.includes(line))).toEqual([
      'Description=AegisSLO, the release gate: replica',
      'ExecStart=/usr/local/bin/node /opt/aegis-slo/dist/server.js --config /etc/aegis/replica.yaml',
      'LogsDirectory=aegis-replica',
      'RuntimeDirectory=aegis-replica',
    ]);
  });

  it('gives the server the time that a stop takes, and does not repeat a start with a bad setting', () => {
    const unit = text('aegis-server.service');
    expect(Number(/TimeoutStopSec=(\d+)/.exec(unit)?.[1])).toBeGreaterThan(10);
    expect(unit).toContain('RestartPreventExitStatus=2');
    // To systemd an end by SIGHUP is a clean one, which `on-failure` does not repeat.
    expect(unit).toMatch(/^RestartForceExitStatus=SIGHUP$/m);
    // Without it the list of the machine's addresses is an exception, and every start a crash.
    expect(unit).toMatch(/^RestrictAddressFamilies=.*\bAF_NETLINK\b/m);
  });
});
