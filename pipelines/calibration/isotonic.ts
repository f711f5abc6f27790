import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { type Blocks, groupTies, poolAdjacentViolators } from './pool-adjacent-violators.ts';

/**
 * Isotonic regression: the ascending map with the least squared error. Its points are the ends of each level, as
 * scikit-learn's IsotonicRegression(out_of_bounds='clip') keeps them; rows of no weight count for nothing there and here. `order`
 * sorts x, where the caller has it.
 */
export function fitIsotonic(
  x: Float64Array,
  y: Float64Array,
  weights: Float64Array | null = null,
  order?: Uint32Array,
): ConfidenceMap {
  const groups = groupTies(x, y, weights, order);
  const blocks = poolAdjacentViolators(groups.mean, groups.weight, groups.length);
  return mapOfBlocks(groups.x, blocks);
}

/** A map with the ends of each block's level; `x` holds the forecast of each group. */
export function mapOfBlocks(x: Float64Array, blocks: Blocks): ConfidenceMap {
  const mapX: number[] = [];
  const mapY: number[] = [];
  let first = 0;
  for (let block = 0; block < blocks.length; block++) {
    const last = blocks.last[block] as number;
    const level = blocks.mean[block] as number;
    mapX.push(x[first] as number);
    mapY.push(level);
    if (last > first) {
      mapX.push(x[last] as number);
      mapY.push(level);
    }
    first = last + 1;
  }
  return { x: mapX, y: mapY };
}
