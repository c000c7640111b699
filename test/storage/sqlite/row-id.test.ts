import { expect, it } from 'vitest';
import { createRowIds } from '../../../src/storage/sqlite/row-id.ts';

it('ids are UUIDv7s of their instant, each once, and sort in the order of instants and of rows', () => {
  const idOf = createRowIds();
  const instants = Array.from({ length: 20_000 }, (_, index) => 1_763_700_000_000 + Math.floor(index / 7_000));
  const ids = instants.map(idOf);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(ids.map((id) => parseInt(id.slice(0, 13).replace('-', ''), 16))).toEqual(instants);
  expect([...ids].sort()).toEqual(ids);
  expect(instants.map(idOf)).toEqual(ids);
  expect(new Set([...ids, ...instants.map(createRowIds())]).size).toBe(40_000);
});
