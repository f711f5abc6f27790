import { SeededRandom } from '../../../connectors/system/seeded-random.ts';

/** Samples in time order whose win rate at each confidence is `truth`. */
export function samplesOf(n: number, truth: (confidence: number) => number) {
  const stream = new SeededRandom(3).stream('samples');
  const x = Float64Array.from({ length: n }, () => 0.5 + 0.45 * stream.uniform());
  return { x, y: x.map((confidence) => (stream.uniform() < truth(confidence) ? 1 : 0)) };
}

export const overConfident = (confidence: number): number => confidence - 0.2;

/** Samples that closed at these times, each after it was held for `held`. Unit: milliseconds. */
export function samplesClosedAt(closed: readonly number[], held = 0) {
  const x = Float64Array.from(closed, (_, row) => 0.5 + (row % 7) / 20);
  const times = { opened: Float64Array.from(closed, (time) => time - held), closed: Float64Array.from(closed) };
  return { x, y: x.map((_, row) => row % 2), times };
}

/** `n` times, `ms` apart. */
export function every(n: number, ms: number): readonly number[] {
  return Array.from({ length: n }, (_, row) => row * ms);
}
