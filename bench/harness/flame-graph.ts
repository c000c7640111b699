/** What a `.cpuprofile` holds, as far as it is drawn. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly title: string;
  selfMs: number;
  totalMs: number;
  readonly children: Map<string, Frame>;
}

const width = 1_200;
const rowHeight = 16;
/** Narrower frames cannot be seen, and make a file large. */
const leastWidth = 2.4;

/** A flame graph: callers below, each as wide as the CPU time spent in it, without the time in which nothing was done. */
export function flameGraph(profile: CpuProfile, title: string): string {
  const root = treeOf(profile);
  const boxes: string[] = [];
  const depth = draw(root, 0, 0, width / root.totalMs, boxes);
  const height = (depth + 2) * rowHeight + 8;
  const placed = boxes.join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="4" y="14" font-size="13">${escaped(title)}: ${Math.round(root.totalMs)} ms of CPU</text>
<g transform="translate(0 ${height - 4}) scale(1 -1)">
${placed}
</g>
</svg>
`;
}

function frame(name: string, title: string): Frame {
  return { name, title, selfMs: 0, totalMs: 0, children: new Map() };
}

const unmeant = new Set(['(idle)', '(program)']);

function treeOf({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const times = new Map<number, number>();
  samples.forEach((id, index) => times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0) / 1000));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root = frame('all', 'all');
  const add = (id: number, parent: Frame): number => {
    const node = byId.get(id);
    if (node === undefined || unmeant.has(node.callFrame.functionName)) return 0;
    const { functionName, url, lineNumber } = node.callFrame;
    const name = functionName === '' ? '(anonymous)' : functionName;
    const title = url === '' ? name : `${name} ${placeOf(url)}:${lineNumber + 1}`;
    const own = parent.children.get(title) ?? frame(name, title);
    parent.children.set(title, own);
    const selfMs = times.get(id) ?? 0;
    const totalMs = (node.children ?? []).reduce((sum, child) => sum + add(child, own), selfMs);
    own.selfMs += selfMs;
    own.totalMs += totalMs;
    return totalMs;
  };
  const [top] = nodes;
  root.totalMs = (top?.children ?? []).reduce((sum, child) => sum + add(child, root), 0);
  return root;
}

/** Without the directories of the machine. */
function placeOf(url: string): string {
  return url.replace(/^.*\/(?=(?:dist|node_modules)\/)/, '').replace(/^node_modules\//, '');
}

function draw({ children }: Frame, x: number, depth: number, scale: number, boxes: string[]): number {
  let left = x;
  let deepest = depth;
  for (const child of [...children.values()].sort((a, b) => (a.title < b.title ? -1 : 1))) {
    const wide = child.totalMs * scale;
    if (wide >= leastWidth) {
      boxes.push(boxOf(child, left, depth * rowHeight, wide));
      deepest = Math.max(deepest, draw(child, left, depth + 1, scale, boxes));
    }
    left += wide;
  }
  return deepest;
}

function boxOf({ name, title, totalMs }: Frame, x: number, y: number, wide: number): string {
  const fits = Math.floor((wide - 4) / 6.7);
  const label = fits < 3 ? '' : name.length <= fits ? name : `${name.slice(0, fits - 1)}…`;
  const text =
    label === ''
      ? ''
      : `<text transform="translate(${(x + 2).toFixed(1)} ${y + 4}) scale(1 -1)">${escaped(label)}</text>`;
  const box = `<rect x="${x.toFixed(1)}" y="${y}" width="${(wide - 0.3).toFixed(1)}" height="15" fill="${colourOf(title)}"/>`;
  return `<g><title>${escaped(title)} ${totalMs.toFixed(1)} ms</title>${box}${text}</g>`;
}

/** Our own code warm, packages green, Node and the engine grey. */
function colourOf(title: string): string {
  if (title.includes(' dist/')) return '#f4a259';
  if (title.includes(' node:') || !title.includes(' ')) return '#c9cdd2';
  return '#a7c796';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
