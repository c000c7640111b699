// A service to be gated: counts 50 requests a second, of which a share fails, and exposes them to Prometheus.
//   node workload.mjs [port] [error ratio]
//   GET  /metrics               http_requests_total{status="200"|"500"}
//   POST /errors?ratio=0.3      from now on 30 % of the requests fail; 0 heals it
import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? 8000);
let errorRatio = Number(process.argv[3] ?? 0);
const requests = { 200: 0, 500: 0 };
let owedErrors = 0;

const perTick = 5;
setInterval(() => {
  // Whole errors only; the fraction is carried over, so that the ratio is exact over time.
  owedErrors += perTick * errorRatio;
  const errors = Math.floor(owedErrors);
  owedErrors -= errors;
  requests[500] += errors;
  requests[200] += perTick - errors;
}, 100);

function metrics() {
  const lines = Object.entries(requests).map(([status, count]) => `http_requests_total{status="${status}"} ${count}`);
  return ['# HELP http_requests_total Requests answered.', '# TYPE http_requests_total counter', ...lines, ''].join(
    '\n',
  );
}

function setErrors(text) {
  const ratio = text === null || text === '' ? NaN : Number(text);
  if (!(ratio >= 0 && ratio <= 1)) return [400, 'ratio: a number from 0 to 1, as in /errors?ratio=0.3\n'];
  errorRatio = ratio;
  return [200, `${ratio * 100} % of the requests fail\n`];
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://workload');
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(body);
  if (url.pathname === '/metrics') answer(200, metrics());
  else if (url.pathname === '/errors' && request.method === 'POST') answer(...setErrors(url.searchParams.get('ratio')));
  else answer(404, 'GET /metrics or POST /errors?ratio=0.3\n');
});

server.listen(port, () => console.log(`workload on port ${server.address().port}`));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
