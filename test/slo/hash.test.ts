import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sliHash, specHash } from '../../src/slo/hash.ts';
import type { Slo } from '../../src/slo/model.ts';
import { parseSloFile } from '../../src/slo/parse.ts';

const valid = readFileSync(new URL('../../fixtures/slo/valid/api-availability.yaml', import.meta.url), 'utf8');

function read(from = '', to = ''): Slo {
  const slo = parseSloFile(valid.replace(from, to), 'x.yaml').slos[0]?.slo;
  if (slo === undefined) throw new Error('the document is not valid');
  return slo;
}

describe('specHash', () => {
  it('is equal for documents that say the same', () => {
    const hash = specHash(read().document);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(specHash(read('threshold: 14.0', 'threshold: 14').document)).toBe(hash);
    expect(specHash(read('threshold: 7.0', 'threshold: 7.0\n        action: BLOCK').document)).toBe(hash);
    expect(specHash(read('kind: SLO', '# a comment\nkind: SLO').document)).toBe(hash);
  });

  it.each([
    ['threshold: 14.0', 'threshold: 14.1'],
    ['owner: platform-team', 'owner: others'],
    ['minDataPoints: 10', 'minDataPoints: 10\n    noTraffic: ALLOW'],
    ['longWindow: 1h', 'longWindow: 60m'],
  ])('differs where %s is %s', (from, to) => {
    expect(specHash(read(from, to).document)).not.toBe(specHash(read().document));
  });
});

describe('sliHash', () => {
  it('is of what decides the numbers: queries and windows', () => {
    const hash = sliHash(read());
    expect(sliHash(read('threshold: 14.0', 'threshold: 15'))).toBe(hash);
    expect(sliHash(read('objective: 0.995', 'objective: 0.9'))).toBe(hash);
    expect(sliHash(read('longWindow: 1h', 'longWindow: 60m'))).not.toBe(hash);
    expect(sliHash(read('"5.."', '"5[0-9]."'))).not.toBe(hash);
    expect(sliHash(read('complianceWindow: 30d', 'complianceWindow: 7d'))).not.toBe(hash);
  });
});
