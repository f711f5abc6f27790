import { describe, expect, it } from 'vitest';
import { PrometheusMetrics } from '../../../connectors/metrics/prometheus-metrics.ts';
import { METRICS, type MetricSpec } from '../../../ports/metrics.ts';

const lineOf = (text: string, start: string): string | undefined =>
  text.split('\n').find((line) => line.startsWith(start));

describe('Prometheus exposition', () => {
  it('shows a series as 0 from the moment it is asked for, and adds up over looks', async () => {
    const metrics = new PrometheusMetrics();
    const close = metrics.counter('decisions', { action: 'CLOSE' });
    metrics.counter('decisions', { action: 'HOLD' }).add(3);
    expect(lineOf(await metrics.text(), 'harvestline_decisions_total{action="CLOSE"}')).toMatch(/ 0$/);
    close.add(2);
    close.add(5);
    await metrics.text();
    close.add(1);
    const text = await metrics.text();
    expect(lineOf(text, 'harvestline_decisions_total{action="CLOSE"}')).toMatch(/ 8$/);
    expect(lineOf(text, 'harvestline_decisions_total{action="HOLD"}')).toMatch(/ 3$/);
  });

  it('the same labels are the same series, other labels another', async () => {
    const metrics = new PrometheusMetrics();
    for (const topic of ['a', 'a', 'b']) metrics.counter('records', { processor: 'clm', topic }).add(1);
    const text = await metrics.text();
    expect(lineOf(text, 'harvestline_records_total{processor="clm",topic="a"}')).toMatch(/ 2$/);
    expect(lineOf(text, 'harvestline_records_total{processor="clm",topic="b"}')).toMatch(/ 1$/);
  });

  it('asking for a gauge again keeps its value', async () => {
    const metrics = new PrometheusMetrics();
    metrics.gauge('backOff', { processor: 'clm' }).set(4);
    metrics.gauge('backOff', { processor: 'clm' });
    expect(lineOf(await metrics.text(), 'harvestline_back_off{')).toMatch(/ 4$/);
  });

  it('updates what is dear to compute only when somebody looks', async () => {
    const metrics = new PrometheusMetrics();
    const gate = metrics.gauge('gateFinal', {});
    let looks = 0;
    metrics.onLook(() => gate.set(++looks));
    await metrics.text();
    expect(lineOf(await metrics.text(), 'harvestline_gate_final ')).toMatch(/ 2$/);
  });

  it('sorts an observation into the buckets of the table', async () => {
    const metrics = new PrometheusMetrics();
    metrics.histogram('orderSeconds', {}).observe(0.3);
    const text = await metrics.text();
    expect(lineOf(text, 'harvestline_order_seconds_bucket{le="0.2"}')).toMatch(/ 0$/);
    expect(lineOf(text, 'harvestline_order_seconds_bucket{le="0.4"}')).toMatch(/ 1$/);
    expect(lineOf(text, 'harvestline_order_seconds_sum')).toMatch(/ 0.3$/);
  });

  it('has process metrics, and two programs in one process do not share anything', async () => {
    const [one, two] = [new PrometheusMetrics(), new PrometheusMetrics()];
    one.counter('intents', {}).add(1);
    two.counter('intents', {});
    expect(lineOf(await two.text(), 'harvestline_intents_total')).toMatch(/ 0$/);
    expect(await one.text()).toContain('process_resident_memory_bytes');
  });
});

describe('the metrics table', () => {
  it("follows Prometheus's naming: base units, _total for counters alone, unique names", () => {
    const specs: readonly MetricSpec[] = Object.values(METRICS);
    expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length);
    for (const { name, type, labels, buckets } of specs) {
      expect(name).toMatch(/^harvestline_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(buckets === undefined).toBe(type !== 'histogram');
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });
});
