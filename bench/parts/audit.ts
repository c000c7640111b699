import type { Part } from '../harness/part.ts';
import { auditPages } from './audit-pages.ts';
import { storing } from './storing.ts';

/** Storing evaluations, and finding them again. */
export const audit: Part = async (workplace, scale) => [
  ...(await storing(workplace, scale)),
  ...(scale.isQuick ? [] : await auditPages(workplace, scale)),
];
