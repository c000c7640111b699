import { expect, it } from 'vitest';
import type { AuditPage } from '../../contract/audit-page.ts';
import { makeEvaluation } from '../make-evaluation.ts';
import { openStorage } from './open-storage.ts';

const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const totalOf = (bytes: Uint8Array) => (JSON.parse(textOf(bytes)) as AuditPage).total;

it('writes a page over one that was given back, and over no other', async () => {
  const { log, reader } = await openStorage();
  await Promise.all(Array.from({ length: 400 }, () => log.append(makeEvaluation())));
  const ask = (limit: number) => reader.page({ limit });
  const held = await ask(5);
  const text = textOf(held);
  const given = await ask(100);
  reader.giveBack(given);
  reader.giveBack(given); // twice is once
  const next = await Promise.all([7, 400, 9, 11].map(ask)); // 400 have no room in it

  expect(given.byteLength).toBe(0);
  expect(next.map(totalOf)).toEqual([7, 400, 9, 11]);
  expect(new Set([held, ...next].map(({ buffer }) => buffer)).size).toBe(5);
  expect(textOf(held)).toBe(text);
});

it('takes nothing that is not its own', async () => {
  const { log, reader } = await openStorage();
  await log.append(makeEvaluation());
  const other = Buffer.from('of a pool that is shared');
  reader.giveBack(other);
  expect(totalOf(await reader.page({ limit: 1 }))).toBe(1);
  expect(other.toString()).toBe('of a pool that is shared');
});
