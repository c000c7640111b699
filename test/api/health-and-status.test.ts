import { describe, expect, it } from 'vitest';
import { anApi, type TestApi } from '../support/api.ts';
import { anEvaluation } from '../support/evaluation.ts';
import { anAuditStatus } from '../support/fake-audit.ts';
import { aFileInError } from '../support/fake-catalogue.ts';
import { anSlo } from '../support/slo.ts';

const one = anSlo({ id: 'one' });
const two = anSlo({ id: 'two' });

async function readyz({ app }: TestApi) {
  const answer = await app.inject('/readyz');
  return { status: answer.statusCode, body: answer.json<{ ready: boolean; reasons?: string[] }>() };
}

describe('GET /healthz', () => {
  it('answers as long as the process does', async () => {
    const { app } = anApi({ slos: [], draining: () => true });
    const answer = await app.inject('/healthz');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ status: 'ok' });
  });
});

describe('GET /readyz', () => {
  it('is ready when every SLO was evaluated once', async () => {
    const api = anApi({ slos: [one, two], isFresh: true });
    expect(await readyz(api)).toEqual({
      status: 503,
      body: { ready: false, slosLoaded: 2, role: 'active', reasons: ['2 of 2 SLOs not evaluated yet'] },
    });
    api.decisions.set(anEvaluation({ slo: one }));
    expect((await readyz(api)).body.reasons).toEqual(['1 of 2 SLOs not evaluated yet']);
    api.decisions.set(anEvaluation({ slo: two }));
    expect(await readyz(api)).toEqual({ status: 200, body: { ready: true, slosLoaded: 2, role: 'active' } });
  });

  it('is not ready without SLOs', async () => {
    expect(await readyz(anApi({ slos: [] }))).toEqual({
      status: 503,
      body: { ready: false, slosLoaded: 0, role: 'active', reasons: ['no SLOs loaded'] },
    });
  });

  it('stays ready when a reload adds an SLO, also where nobody asked before', async () => {
    const api = anApi({ slos: [one] });
    api.catalogue.replace([one, two]);
    expect(await readyz(api)).toMatchObject({ status: 200, body: { ready: true, slosLoaded: 2 } });
  });

  it('waits for an SLO that came before it was ready, and not for one that went', async () => {
    const api = anApi({ slos: [one], isFresh: true });
    api.catalogue.replace([one, two]);
    expect((await readyz(api)).body.reasons).toEqual(['2 of 2 SLOs not evaluated yet']);
    api.decisions.set(anEvaluation({ slo: two }));
    api.catalogue.replace([two]);
    expect((await readyz(api)).status).toBe(200);
  });

  it('names a bad file among good ones, and is ready', async () => {
    const api = anApi({ slos: [one], filesInError: [aFileInError('bad.yaml')] });
    expect(await readyz(api)).toEqual({
      status: 200,
      body: {
        ready: true,
        slosLoaded: 1,
        role: 'active',
        reasons: ['file in error: bad.yaml: must be less than 1, not 99.5'],
      },
    });
  });

  it('is not ready where all files are bad', async () => {
    const { status, body } = await readyz(anApi({ slos: [], filesInError: [aFileInError('bad.yaml')] }));
    expect(status).toBe(503);
    expect(body.reasons).toEqual(['no SLOs loaded', 'file in error: bad.yaml: must be less than 1, not 99.5']);
  });

  it('is not ready from SIGTERM on', async () => {
    let isDraining = false;
    const api = anApi({ draining: () => isDraining });
    expect((await readyz(api)).status).toBe(200);
    isDraining = true;
    expect(await readyz(api)).toMatchObject({ status: 503, body: { ready: false, reasons: ['shutting down'] } });
  });
});

describe('GET /v1/status', () => {
  it('tells what runs, and what of the files would not load again', async () => {
    const auditStatus = () =>
      anAuditStatus({
        rows: {
          evaluation: { stored: 40, waiting: 3, dropped: 0 },
          decision: { stored: 900, waiting: 50, dropped: 7 },
          order: { stored: 1, waiting: 0, dropped: 0 },
        },
        lastError: 'database is locked',
      });
    const filesInError = [aFileInError('bad.yaml', { keeps: ['one'] })];
    const { app } = anApi({ slos: [one], filesInError, deps: { auditStatus } });
    expect((await app.inject('/v1/status')).json()).toEqual({
      version: '0.2.0',
      startedAt: '2026-11-20T10:00:00.000Z',
      adapter: 'prometheus',
      role: 'active',
      slosLoaded: 1,
      files: {
        read: 2,
        inError: [
          {
            file: 'bad.yaml',
            problems: [
              {
                severity: 'error',
                file: 'bad.yaml',
                line: 8,
                column: 14,
                path: 'spec.objective',
                message: 'must be less than 1, not 99.5',
              },
            ],
            keeps: ['one'],
          },
        ],
        warnings: [],
      },
      lastReload: { at: '2026-11-20T11:00:00.000Z', outcome: 'errors', message: 'Loaded 1 SLOs' },
      audit: {
        state: 'open',
        since: '2026-11-20T10:00:00.000Z',
        rows: {
          evaluation: { stored: 40, waiting: 3, dropped: 0 },
          decision: { stored: 900, waiting: 50, dropped: 7 },
          order: { stored: 1, waiting: 0, dropped: 0 },
        },
        lastError: 'database is locked',
      },
    });
  });
});

describe('GET /metrics', () => {
  it('answers the text of the metrics under its own content type', async () => {
    const answer = await anApi().app.inject('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toBe('aegis_up 1\n');
    expect(answer.headers['content-length']).toBe('11');
  });
});
