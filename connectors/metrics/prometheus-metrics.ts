import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import {
  type Counter as CounterSeries,
  type CounterName,
  type Gauge as GaugeSeries,
  type GaugeName,
  type Histogram as HistogramSeries,
  type HistogramName,
  type LabelsOf,
  METRICS,
  type MetricSpec,
  type Metrics,
} from '../../ports/metrics.ts';

/** prom-client's configuration of a metric. The lists are copied because prom-client modifies them. */
function described({ name, help, labels }: MetricSpec) {
  return { name, help, labelNames: [...labels], registers: [] };
}

/**
 * The metrics table and prom-client's process metrics, for Prometheus. Counts are plain numbers that are handed to prom-client at each scrape,
 * since it would hash the labels for every increment.
 */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<CounterName, Counter>();
  readonly #gauges = new Map<GaugeName, Gauge>();
  readonly #histograms = new Map<HistogramName, Histogram>();
  readonly #cells = new Map<string, CounterCell>();
  readonly #updates: (() => void)[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  counter<M extends CounterName>(metric: M, labels: LabelsOf<M>): CounterSeries {
    const counter = getOrInsert(this.#counters, metric, () =>
      this.#registered(new Counter(described(METRICS[metric]))),
    );
    const key = JSON.stringify([
      metric,
      ...METRICS[metric].labels.map((label) => labels[label as keyof typeof labels]),
    ]);
    return getOrInsert(this.#cells, key, () => new CounterCell(counter, labels));
  }

  gauge<M extends GaugeName>(metric: M, labels: LabelsOf<M>): GaugeSeries {
    const gauge = getOrInsert(this.#gauges, metric, () => this.#registered(new Gauge(described(METRICS[metric]))));
    gauge.inc(labels, 0);
    return { set: (value) => gauge.set(labels, value), remove: () => gauge.remove(labels) };
  }

  histogram<M extends HistogramName>(metric: M, labels: LabelsOf<M>): HistogramSeries {
    const { buckets } = METRICS[metric];
    const histogram = getOrInsert(this.#histograms, metric, () =>
      this.#registered(new Histogram({ ...described(METRICS[metric]), buckets: [...buckets] })),
    );
    histogram.zero(labels);
    return { observe: (value) => histogram.observe(labels, value) };
  }

  onLook(update: () => void): void {
    this.#updates.push(update);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text that Prometheus scrapes. */
  text(): Promise<string> {
    for (const update of this.#updates) update();
    for (const cell of this.#cells.values()) cell.handOver();
    return this.#registry.metrics();
  }

  #registered<T extends Counter | Gauge | Histogram>(metric: T): T {
    this.#registry.registerMetric(metric);
    return metric;
  }
}

class CounterCell implements CounterSeries {
  readonly #counter: Counter;
  readonly #labels: Readonly<Record<string, string>>;
  #pending = 0;

  constructor(counter: Counter, labels: Readonly<Record<string, string>>) {
    this.#counter = counter;
    this.#labels = labels;
  }

  add(count: number): void {
    this.#pending += count;
  }

  handOver(): void {
    this.#counter.inc(this.#labels, this.#pending);
    this.#pending = 0;
  }
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}
