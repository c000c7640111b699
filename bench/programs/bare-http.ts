import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

// A port, and the file of the body that answers every request.
const [, , port, file] = process.argv;
const body = readFileSync(file ?? '', 'utf8');
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) };

createServer((request, response) => {
  request.resume().once('end', () => response.writeHead(200, headers).end(body));
}).listen(Number(port), '127.0.0.1');
