import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { compiledFileOf, openProgram } from '../src/compiled-program.ts';

// Starts the built server until it has decided once, and writes what V8 has compiled for that beside it.

const slo = `
apiVersion: aegis.slo/v1
kind: SLO
metadata:
  id: compiled
  service: build
spec:
  environment: build
  objective: 0.995 # one in 200
  complianceWindow: 30d
  evaluationInterval: 60s
  sli:
    type: availability
    good:
      prometheusQuery: |
        sum(rate(http_requests_total{status!~"5.."}[{{window}}]))
    total:
      prometheusQuery: 'sum(rate(http_requests_total[{{window}}]))'
  burnPolicy:
    rules:
      - name: fast-burn
        shortWindow: 5m
        longWindow: 1h
        threshold: 14.4
  gating:
    minDataPoints: 10
    stalenessLimit: 10m
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function decided(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/gate/decision`, {
      method: 'POST',
      body: JSON.stringify({ sloID: 'compiled' }),
    }).catch(() => undefined);
    if (answer?.status === 200) return;
    await wait(20);
  }
  throw new Error('the built server did not decide');
}

const file = pathToFileURL(process.argv[2] ?? '');
const directory = mkdtempSync(join(tmpdir(), 'aegis-build-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, 'slo.yaml'), slo);
const port = await freePort();
const place = ['--slo-dir', directory, '--db', join(directory, 'audit.db'), '--host', '127.0.0.1', '--port', `${port}`];
// Nothing answers there: a request and its failure are what is compiled of the adapter.
process.argv.splice(2, Infinity, ...place, '--adapter', 'prometheus', '--prometheus-url', 'http://127.0.0.1:9');
rmSync(compiledFileOf(file), { force: true });
const program = openProgram(file);
program.run();
await decided(port);
writeFileSync(compiledFileOf(file), program.compiled());
process.exit(0);
