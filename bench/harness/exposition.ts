/** What `/metrics` said, for reading. */
export interface Exposition {
  /** The sum over the series of a metric whose labels have this text in them; 0 where there is none. */
  sum(name: string, labels?: string): number;
  /** The cumulative counts of a histogram by the upper bounds of its buckets. */
  buckets(name: string): ReadonlyMap<number, number>;
}

interface Sample {
  readonly labels: string;
  readonly value: number;
}

export function readExposition(text: string): Exposition {
  const samples = new Map<string, Sample[]>();
  for (const [, name = '', labels = '', value = ''] of text.matchAll(/^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/gim)) {
    const known = samples.get(name) ?? [];
    known.push({ labels, value: Number(value.replace('Inf', 'Infinity')) });
    samples.set(name, known);
  }
  const of = (name: string) => samples.get(name) ?? [];
  return {
    sum: (name, labels = '') =>
      of(name)
        .filter((sample) => sample.labels.includes(labels))
        .reduce((sum, { value }) => sum + value, 0),
    buckets: (name) => new Map(of(`${name}_bucket`).map(({ labels, value }) => [boundIn(labels), value])),
  };
}

function boundIn(labels: string): number {
  const text = /le="([^"]+)"/.exec(labels)?.[1] ?? '';
  return text === '+Inf' ? Infinity : Number(text);
}

/** The upper bound of the bucket in which this share of what came between two readings is reached. */
export function bucketQuantile(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  share: number,
): number {
  const counts = [...after].map(([bound, count]) => ({ bound, count: count - (before.get(bound) ?? 0) }));
  const total = counts.at(-1)?.count ?? 0;
  if (total === 0) throw new Error('nothing came between the two readings');
  return counts.find(({ count }) => count >= share * total)?.bound ?? Infinity;
}
