// Who may import whom: docs/architecture.md has the picture. Checked by `npm run lint`.
const only = (room, allowed, extra = '') => ({
  name: `${room.replace(/[^a-z]+/g, '-')}-imports`,
  comment: `${room} may import only: ${allowed.join(', ')}`,
  severity: 'error',
  from: { path: `^src/${room}` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})${extra}` },
});
const shared = ['errors\\.ts', 'clock\\.ts', 'log\\.ts', 'version\\.ts'];
const core = '^src/(slo|promql|eval|policy)/';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'app-is-the-root',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(server|cli)\\.ts' },
      to: { path: '^src/app\\.ts' },
    },
    {
      name: 'core-has-no-node',
      severity: 'error',
      from: { path: core },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'core-has-no-server',
      severity: 'error',
      from: { path: core },
      to: { path: 'node_modules/(fastify|pino|undici|better-sqlite3|prom-client)' },
    },
    only('promql/', ['errors\\.ts']),
    only('slo/', ['promql/', 'errors\\.ts']),
    only('eval/', ['slo/', 'promql/', 'errors\\.ts']),
    // clock.ts: the type Instant and the pure age of one; the clock itself is held elsewhere.
    only('policy/', ['eval/', 'slo/', 'promql/', 'errors\\.ts', 'clock\\.ts']),
    only('catalogue/', ['slo/', ...shared]),
    only('adapter/', ['eval/', 'slo/', 'promql/', 'config/settings\\.ts', ...shared]),
    only('storage/', ['policy/', 'eval/', 'slo/', ...shared]),
    only('scheduler/', ['policy/', 'eval/', 'slo/', 'catalogue/ports\\.ts', 'storage/ports\\.ts', ...shared]),
    only('access/', [...shared]),
    only('tls/', ['config/settings\\.ts', ...shared]),
    only('api/', [
      'access/ports\\.ts',
      'access/address-group\\.ts', // pure: whom to count as one
      'tls/ports\\.ts',
      'health/ports\\.ts',
      'policy/',
      'eval/',
      'slo/',
      'catalogue/ports\\.ts',
      'storage/ports\\.ts',
      ...shared,
    ]),
    only('health/', [
      'catalogue/ports\\.ts',
      'storage/ports\\.ts',
      'tls/ports\\.ts',
      'policy/',
      'eval/',
      'slo/',
      ...shared,
    ]),
    only('config/', ['slo/', ...shared]),
    only('telemetry/', [
      'health/ports\\.ts',
      'tls/ports\\.ts',
      'catalogue/ports\\.ts',
      'storage/ports\\.ts',
      'eval/',
      'policy/',
      'slo/',
      'config/settings\\.ts',
      ...shared,
    ]),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
