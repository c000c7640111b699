import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scratch } from '../support/scratch.ts';

/** A valid SLO file. */
export function sloText(id: string, { objective = 0.99, service = 'checkout' } = {}): string {
  return `apiVersion: aegis.slo/v1
kind: SLO
metadata: { id: ${id}, service: ${service} }
spec:
  environment: production
  objective: ${objective}
  complianceWindow: 30d
  evaluationInterval: 30s
  sli:
    type: availability
    good: { prometheusQuery: 'sum(rate(requests_total{code!~"5.."}[{{window}}]))' }
    total: { prometheusQuery: 'sum(rate(requests_total[{{window}}]))' }
  burnPolicy: { rules: [{ name: fast, shortWindow: 5m, longWindow: 1h, threshold: 14.4 }] }
  gating: { minDataPoints: 10, stalenessLimit: 5m }
`;
}

export interface SloDirectory {
  readonly path: string;
  write(name: string, text: string): void;
  /** Writes beside the file and renames over it, as editors do. */
  replace(name: string, text: string): void;
  remove(name: string): void;
}

/** A directory of SLO files of the running test's own. */
export function sloDirectory(files: Readonly<Record<string, string>> = {}): SloDirectory {
  const path = join(scratch(), 'slos');
  mkdirSync(path);
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    path,
    write,
    replace(name, text) {
      write(`.${name}.new`, text);
      renameSync(join(path, `.${name}.new`), join(path, name));
    },
    remove: (name) => rmSync(join(path, name), { recursive: true }),
  };
}
