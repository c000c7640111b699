import type { Part } from '../harness/part.ts';
import { startPrometheus } from '../harness/prometheus.ts';
import { forced } from './forced-evaluations.ts';
import { scheduled } from './scheduled-evaluations.ts';

/** Six windows of a real Prometheus with a month of history. */
export const evaluations: Part = async (workplace, scale) => {
  const [own, other] = await startPrometheus(workplace, scale.pick(31, 4), 2);
  if (own === undefined || other === undefined) throw new Error('two were to be started');
  return [...(await scheduled(workplace, scale, [own, other])), ...(await forced(workplace, scale, other))];
};
