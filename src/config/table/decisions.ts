import * as parsers from '../parsers.ts';
import { defaulted, optional } from '../setting.ts';

export const decisionSettings = {
  sloDir: optional({
    flag: '--slo-dir',
    env: 'SLO_DIR',
    group: 'SLOs and decisions',
    placeholder: 'dir',
    description: 'directory of the SLO files, read recursively and watched (required)',
    parser: parsers.path,
  }),
  adapter: defaulted({
    flag: '--adapter',
    env: 'ADAPTER_TYPE',
    group: 'SLOs and decisions',
    placeholder: 'name',
    description: 'where measurements come from: a Prometheus, or fixtures for tests and demonstrations',
    parser: parsers.oneOf('prometheus', 'synthetic'),
    fallback: 'synthetic',
  }),
  syntheticFixtures: optional({
    flag: '--synthetic-fixtures',
    env: 'SYNTHETIC_FIXTURES',
    group: 'SLOs and decisions',
    placeholder: 'dir',
    description: 'directory of the synthetic fixtures, <slo id>.json',
    parser: parsers.path,
  }),
  evaluationTimeoutMs: defaulted({
    flag: '--evaluation-timeout',
    env: 'EVALUATION_TIMEOUT',
    group: 'SLOs and decisions',
    placeholder: 'duration',
    description: 'deadline of one evaluation; past it the answer is a WARN with what is known',
    parser: parsers.duration('100ms', '5m'),
    fallback: '8s',
    reloadable: true,
  }),
  evaluationConcurrency: defaulted({
    flag: '--evaluation-concurrency',
    env: 'EVALUATION_CONCURRENCY',
    group: 'SLOs and decisions',
    placeholder: 'number',
    description: 'evaluations under way at once',
    parser: parsers.wholeNumber(1, 1000),
    fallback: '10',
  }),
} as const;
