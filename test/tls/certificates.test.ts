import { renameSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCertificates } from '../../src/tls/certificates.ts';
import { createAuthority, type Issued } from '../support/authority.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { scratch } from '../support/scratch.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';
import { systemClock } from '../../src/clock.ts';
import { eventually } from '../support/eventually.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** Certificates in files of the test's own, followed by the real clock unless another is given. */
async function followed(first: Issued, options: { clientCaFile?: string; clock?: typeof systemClock } = {}) {
  const directory = scratch();
  const [certFile, keyFile] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const put = (file: string, text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  put(certFile, first.cert);
  put(keyFile, first.key);
  const log = createRecordingLog();
  const reads: boolean[] = [];
  const { clientCaFile, clock = systemClock } = options;
  const certificates = await openCertificates(
    { certFile, keyFile, clientCaFile },
    { clock, log, onRead: (isOk) => void reads.push(isOk) },
  );
  if (certificates === undefined) throw new Error('there are certificates');
  onTestFinished(() => certificates.stop());
  return { certificates, log, reads, certFile, keyFile, put };
}

const subjects = (of: { status(): readonly { subject: string }[] }) => of.status().map(({ subject }) => subject);

describe('the certificates', () => {
  it('are read again when their files change, and say whose they are and until when', async () => {
    const authority = createAuthority(scratch());
    const { certificates, certFile, keyFile, put, reads } = await followed(authority.issue('first', 90));
    expect(certificates.status()).toMatchObject([
      { certificate: 'server', subject: 'CN=first', daysLeft: 89, lastError: null },
    ]);
    let changes = 0;
    certificates.onChange(() => (changes += 1));
    const second = authority.issue('second');
    put(keyFile, second.key);
    put(certFile, second.cert);
    await eventually(() => expect(subjects(certificates)).toEqual(['CN=second']));
    expect(certificates.current()).toMatchObject({ cert: second.cert, key: second.key, minVersion: 'TLSv1.2' });
    expect(changes).toBe(1);
    expect(reads.at(-1)).toBe(true);
  });

  it('follow the links that Kubernetes swaps', async () => {
    const directory = scratch();
    const authority = createAuthority(scratch());
    const version = (name: string, { cert, key }: Issued) => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'tls.crt'), cert);
      writeFileSync(join(directory, name, 'tls.key'), key);
      symlinkSync(name, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    version('..1', authority.issue('first'));
    const [certFile, keyFile] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
    symlinkSync('..data/tls.crt', certFile);
    symlinkSync('..data/tls.key', keyFile);
    const log = createRecordingLog();
    const certificates = await openCertificates(
      { certFile, keyFile, clientCaFile: undefined },
      { clock: systemClock, log, onRead: () => undefined },
    );
    onTestFinished(() => certificates?.stop());
    version('..2', authority.issue('second'));
    await eventually(() => expect(certificates && subjects(certificates)).toEqual(['CN=second']));
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('stay where only one half of a pair was replaced, until the other one is', async () => {
    const authority = createAuthority(scratch());
    const { certificates, certFile, keyFile, put, reads, log } = await followed(authority.issue('first'));
    const second = authority.issue('second');
    put(certFile, second.cert);
    await eventually(() => expect(reads.at(-1)).toBe(false));
    expect(await certificates.reload()).toContain(`${certFile} and ${keyFile} are no certificate with its key`);
    expect(certificates.status()).toMatchObject([
      { subject: 'CN=first', lastError: expect.stringContaining('no certificate with its key') as unknown },
    ]);
    put(keyFile, second.key);
    await eventually(() => expect(subjects(certificates)).toEqual(['CN=second']));
    expect([certificates.status()[0]?.lastError, reads.at(-1)]).toEqual([null, true]);
    expect(log.lines.find(({ level }) => level === 'error')?.message).toMatch(
      /^certificates not taken, the earlier ones stay: /,
    );
  });

  it.each([
    ['is empty', ''],
    ['is no PEM', 'hello'],
    ['was cut in its midst', '-----BEGIN CERTIFICATE-----\nMIIB'],
    ['holds something else', '-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n'],
  ])('stay where the file %s', async (_case, text) => {
    const authority = createAuthority(scratch());
    const { certificates, certFile, put } = await followed(authority.issue('first'));
    put(certFile, text);
    expect(await certificates.reload()).toContain(certFile);
    expect(subjects(certificates)).toEqual(['CN=first']);
  });

  it('stay where the new one has expired and they have not', async () => {
    const authority = createAuthority(scratch());
    const { certificates, certFile, keyFile, put } = await followed(authority.issue('first'));
    const late = authority.issue('late', -1);
    put(certFile, late.cert);
    put(keyFile, late.key);
    expect(await certificates.reload()).toMatch(/tls\.crt: CN=late expired at 20.*; the one in use is valid until 20/);
    expect(subjects(certificates)).toEqual(['CN=first']);
    // Of the chain behind it an expired one does not count.
    const second = authority.issue('second', 90);
    put(certFile, second.cert + late.cert);
    put(keyFile, second.key);
    expect(await certificates.reload()).toBeNull();
    expect(certificates.status()).toMatchObject([{ subject: 'CN=second', daysLeft: 89 }]);
  });

  it('that do not fit together end the start', async () => {
    const authority = createAuthority(scratch());
    const [one, other] = [authority.issue('one'), authority.issue('other')];
    const opened = openCertificates(
      { certFile: one.certFile, keyFile: other.keyFile, clientCaFile: undefined },
      { clock: systemClock, log: createRecordingLog(), onRead: () => undefined },
    );
    await expect(opened).rejects.toMatchObject({ name: 'AegisError', code: 'invalid_setting' });
  });

  it('warn at the start and each day from 30 days before they expire, and when they have', async () => {
    const authority = createAuthority(scratch(), 'authority', 365);
    const clock = createVirtualClock();
    const first = authority.issue('first', 365);
    clock.setWall(Date.now() - clock.now().wallMs);
    const { log, certificates } = await followed(first, { clock, clientCaFile: authority.caFile });
    const said = () => log.lines.filter(({ level }) => level !== 'info').map(({ message }) => message);
    expect([said(), subjects(certificates)]).toEqual([[], ['CN=first', 'CN=authority']]);
    const nextDay = async () => {
      clock.setWall(dayMs);
      await clock.advance(1000);
      // Files are looked at between two sleeps.
      await eventually(async () => {
        const before = log.lines.length;
        await clock.advance(1000);
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(log.lines.length).toBe(before);
      });
    };
    clock.setWall(335 * dayMs);
    await nextDay();
    await eventually(() => expect(said()).toHaveLength(2));
    expect(said()[0]).toMatch(/^the server certificate CN=first expires in 28 days, at 20.*: replace .*tls\.crt$/);
    expect(said()[1]).toMatch(/^the client authority CN=authority expires in 28 days/);
    await nextDay();
    await eventually(() => expect(said()).toHaveLength(4));
    clock.setWall(29 * dayMs);
    await nextDay();
    await eventually(() => expect(said().at(-1)).toMatch(/^the client authority CN=authority expired at /));
    expect(certificates.status().map(({ daysLeft }) => daysLeft)).toEqual([-3, -3]);
  });
});
