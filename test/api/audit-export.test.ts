import { type IncomingMessage, request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { drain } from '../../src/api/drain.ts';
import { systemClock } from '../../src/clock.ts';
import { AegisError } from '../../src/errors.ts';
import type { AuditExporter, ExportChunk } from '../../src/storage/ports.ts';
import { anApi, listen, rawClient } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';

const chunk = (text: string, next: string | null): ExportChunk => ({ bytes: new TextEncoder().encode(text), next });
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** An exporter that says what it is asked. */
function exporterOf(evaluations: AuditExporter['evaluations']): AuditExporter {
  return {
    evaluations,
    decisions: () => Promise.resolve(chunk('', null)),
    orders: () => Promise.resolve(chunk('', null)),
  };
}

/** One without end: each chunk is a megabyte. */
function endless() {
  let asked = 0;
  const exporter = exporterOf(() => Promise.resolve(chunk('x'.repeat(1_000_000), `${asked++}`)));
  return { exporter, asked: () => asked };
}

describe('GET /v1/audit/export', () => {
  it('joins the chunks, each asked for by the cursor of the one before, with the filters', async () => {
    const asked: unknown[] = [];
    const exporter = exporterOf((filter, form) => {
      asked.push([filter, form]);
      return Promise.resolve(filter.cursor === 'b' ? chunk('third\n', null) : chunk('first\n', 'b'));
    });
    const { app } = anApi({ deps: { exporter } });
    const answer = await app.inject('/v1/audit/export?sloID=x&startTime=1970-01-01T00:00:01Z&cursor=a');
    expect(answer.body).toBe('first\nthird\n');
    expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    const filter = { sloId: 'x', startMs: 1_000 };
    expect(asked).toEqual([
      [{ ...filter, cursor: 'a' }, 'jsonl'],
      [{ ...filter, cursor: 'b' }, 'jsonl'],
    ]);
  });

  it.each([
    ['', 'present'],
    ['&cursor=a', 'absent'],
  ])('says whether a CSV has a head line (%s)', async (query, header) => {
    const { app } = anApi();
    const { headers } = await app.inject(`/v1/audit/export?format=csv${query}`);
    expect(headers['content-type']).toBe(`text/csv; charset=utf-8; header=${header}`);
  });

  it('answers HEAD without exporting', async () => {
    const { exporter, asked } = endless();
    const { app } = anApi({ deps: { exporter } });
    const answer = await app.inject({ method: 'HEAD', url: '/v1/audit/export' });
    expect([answer.statusCode, answer.body, asked()]).toEqual([200, '', 1]);
    expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  });

  it('is cut off where the database fails in its midst, and says why in the log', async () => {
    const exporter = exporterOf(({ cursor }) =>
      cursor === undefined
        ? Promise.resolve(chunk('first\n', 'a'))
        : Promise.reject(new AegisError('audit_unavailable', 'it is locked')),
    );
    const { app, log } = anApi({ deps: { exporter } });
    const client = await rawClient(await listen(app));
    client.write(get('/v1/audit/export'));
    const text = await client.closed;
    expect(text).toMatch(/^HTTP\/1.1 200 [^]*first\n/);
    expect(text).not.toMatch(/0\r\n\r\n$/); // the end of a chunked body
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'an export was cut off: it is locked' }),
    );
    await app.close();
  });

  it('asks for no more than a client takes, and ends at a stop', async () => {
    const { exporter, asked } = endless();
    const { app } = anApi({ deps: { exporter } });
    const port = await listen(app);
    const response = await new Promise<IncomingMessage>((resolve) =>
      httpRequest({ port, path: '/v1/audit/export' }, resolve).end(),
    );
    response.pause();
    let seen = -1;
    await eventually(() => {
      const before = seen;
      seen = asked();
      expect(seen).toBe(before);
    });
    expect(seen).toBeLessThan(30);
    const ended = new Promise((resolve) => response.once('error', resolve));
    expect(await drain(app, { boundMs: 60_000, clock: systemClock })).toEqual({ cutOff: 0 });
    response.resume();
    expect(await ended).toMatchObject({ code: 'ECONNRESET' });
  });

  it('looks for no more rows when its client has gone, also where there is nothing to send', async () => {
    let asked = 0;
    const exporter = exporterOf(async () => {
      await new Promise(setImmediate);
      return chunk(asked++ === 0 ? 'first\n' : '', `${asked}`);
    });
    const { app } = anApi({ deps: { exporter } });
    const client = await rawClient(await listen(app));
    client.write(get('/v1/audit/export'));
    await eventually(() => expect(asked).toBeGreaterThan(10));
    client.socket.destroy();
    let seen = -1;
    await eventually(() => {
      const before = seen;
      seen = asked;
      expect(seen).toBe(before);
    });
    await app.close();
  });

  it('refuses a fifth at once, until one has ended', async () => {
    const { exporter } = endless();
    const { app } = anApi({ deps: { exporter } });
    const port = await listen(app);
    const clients = await Promise.all(Array.from({ length: 4 }, () => rawClient(port)));
    for (const client of clients) {
      client.socket.pause();
      client.write(get('/v1/audit/export'));
    }
    const fifth = () => fetch(`http://127.0.0.1:${port}/v1/audit/export`, { method: 'HEAD' });
    await eventually(async () => expect((await fifth()).status).toBe(503));
    expect((await fifth()).headers.get('retry-after')).toBe('1');
    clients[0]?.socket.destroy();
    await eventually(async () => expect((await fifth()).status).toBe(200));
    for (const client of clients) client.socket.destroy();
    await app.close();
  });
});
