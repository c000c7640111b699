import { defineConfig } from 'vitest/config';

// .ci/run counts from this file rather than from what is printed.
const report = process.env.AEGIS_TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    // Integration tests start real processes; on a machine of two busy cores they take what they take.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    pool: 'forks',
    maxWorkers: 4,
    // Modules are read once a worker: no test changes one, nor the process that it runs in.
    isolate: false,
  },
});
