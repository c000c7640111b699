import { expect, it } from 'vitest';
import { flameGraph, type CpuProfile } from '../../bench/harness/flame-graph.ts';

const call = (id: number, functionName: string, url: string, ...children: number[]) => ({
  ...{ id, children },
  callFrame: { functionName, url, lineNumber: 4 },
});

it('is as wide as the time that was spent, without idle time and without the directories of the machine', () => {
  const profile: CpuProfile = {
    nodes: [
      call(1, '(root)', '', 2, 5),
      call(2, 'answer', 'file:///home/somebody/gate/dist/api/answer.js', 3, 4),
      call(3, 'write<x>', 'node:net'),
      call(4, 'parse', 'file:///home/somebody/gate/node_modules/fastify/parse.js'),
      call(5, '(idle)', ''),
    ],
    samples: [2, 3, 3, 4, 5],
    timeDeltas: [1_000, 1_000, 1_000, 1_000, 50_000],
  };
  const svg = flameGraph(profile, 'Decisions');
  expect(svg).toContain('Decisions: 4 ms of CPU');
  const widths = [...svg.matchAll(/<title>(.+?) (\S+) ms<\/title><rect [^>]*width="([\d.]+)"/g)];
  expect(widths.map(([, title, ms, width]) => [title, ms, Math.round(Number(width) + 0.3)])).toEqual([
    ['answer dist/api/answer.js:5', '4.0', 1_200],
    ['parse fastify/parse.js:5', '1.0', 300],
    ['write&lt;x&gt; node:net:5', '2.0', 600],
  ]);
  expect(svg).not.toContain('somebody');
});
