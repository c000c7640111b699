import { Histogram, type Registry } from 'prom-client';

/** A histogram's numbers, counted without labels and without prom-client, whose `observe` costs a twentieth of a decision. */
export interface Buckets {
  readonly bounds: readonly number[];
  /** One for each bound, and one for what is above all of them; not cumulative. */
  readonly counts: number[];
  sum: number;
  count: number;
}

export function createBuckets(bounds: readonly number[]): Buckets {
  return { bounds, counts: Array<number>(bounds.length + 1).fill(0), sum: 0, count: 0 };
}

export function observe(buckets: Buckets, value: number): void {
  const { bounds, counts } = buckets;
  let at = 0;
  while (at < bounds.length && value > (bounds[at] ?? Infinity)) at += 1;
  counts[at] = (counts[at] ?? 0) + 1;
  buckets.sum += value;
  buckets.count += 1;
}

type Labels = Readonly<Record<string, string>>;

interface Options {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly bounds: readonly number[];
  /** The labels and numbers of each series. */
  readonly read: () => Iterable<readonly [Labels, Buckets]>;
}

/** A histogram of prom-client whose numbers are counted elsewhere, and read when Prometheus asks. */
export class ReadHistogram extends Histogram {
  readonly #options: Options;

  constructor(registers: Registry[], options: Options) {
    const { name, help, labelNames, bounds } = options;
    super({ name, help, labelNames: [...labelNames], buckets: [...bounds], registers });
    this.#options = options;
  }

  /** What both the registry and `get` take the series from. */
  getForPromString() {
    const values = [...this.#options.read()].flatMap(([labels, buckets]) => this.#series(labels, buckets));
    const { name, help } = this.#options;
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }

  #series(labels: Labels, { bounds, counts, sum, count }: Buckets) {
    const { name } = this.#options;
    const series: { metricName: string; labels: Record<string, string | number>; value: number }[] = [];
    let upTo = 0;
    for (const [at, inBucket] of counts.entries()) {
      upTo += inBucket;
      series.push({ metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...labels }, value: upTo });
    }
    series.push({ metricName: `${name}_sum`, labels: { ...labels }, value: sum });
    series.push({ metricName: `${name}_count`, labels: { ...labels }, value: count });
    return series;
  }
}
