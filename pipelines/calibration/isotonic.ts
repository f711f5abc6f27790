import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { argsort } from './statistics.ts';

/**
 * Isotonic regression: the ascending map with the least squared error. Its points are the ends of each level, as
 * scikit-learn's IsotonicRegression(out_of_bounds='clip') keeps them; rows of weight 0 are ignored there and here.
 */
export function fitIsotonic(x: Float64Array, y: Float64Array, weights: Float64Array | null = null): ConfidenceMap {
  const groups = groupTies(x, y, weights);
  const blocks = poolAdjacentViolators(groups.mean, groups.weight, groups.length);
  return mapOfBlocks(groups.x, blocks);
}

/** A map of the ends of each block; `x` has the forecast of each group. */
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

/** Rows grouped by their forecast, ascending. */
interface Groups {
  readonly x: Float64Array;
  readonly mean: Float64Array;
  readonly weight: Float64Array;
  readonly length: number;
}

/** Groups pooled into blocks of ascending means. `last` is the index of the last group of each block. */
interface Blocks {
  readonly mean: Float64Array;
  readonly weight: Float64Array;
  readonly last: Uint32Array;
  readonly length: number;
}

/** Equal forecasts become one group with the weighted mean of their outcomes, as scikit-learn pools ties. */
export function groupTies(x: Float64Array, y: Float64Array, weights: Float64Array | null): Groups {
  const n = x.length;
  const order = argsort(x);
  const groups = { x: new Float64Array(n), mean: new Float64Array(n), weight: new Float64Array(n), length: 0 };
  let at = 0;
  while (at < n) {
    const value = x[order[at] as number] as number;
    let sum = 0;
    let weight = 0;
    for (; at < n && x[order[at] as number] === value; at++) {
      const row = order[at] as number;
      const share = weights === null ? 1 : (weights[row] as number);
      sum += share * (y[row] as number);
      weight += share;
    }
    // Rows of weight 0 are ignored: a level must not begin or end at one.
    if (weight === 0) continue;
    groups.x[groups.length] = value;
    groups.mean[groups.length] = sum / weight;
    groups.weight[groups.length] = weight;
    groups.length += 1;
  }
  return groups;
}

/**
 * The weighted least-squares fit of ascending means: neighbours that descend are pooled until none do. One pass, O(groups)
 * (Ayer et al. 1955; Best and Chakravarti 1990). Groups of weight 0 are ignored.
 */
export function poolAdjacentViolators(mean: Float64Array, weight: Float64Array, length: number): Blocks {
  const blocks = {
    mean: new Float64Array(length),
    weight: new Float64Array(length),
    last: new Uint32Array(length),
    length: 0,
  };
  let top = -1;
  for (let group = 0; group < length; group++) {
    let blockWeight = weight[group] as number;
    if (blockWeight === 0) continue;
    let blockMean = mean[group] as number;
    while (top >= 0 && (blocks.mean[top] as number) >= blockMean) {
      const below = blocks.weight[top] as number;
      const total = below + blockWeight;
      blockMean = (below * (blocks.mean[top] as number) + blockWeight * blockMean) / total;
      blockWeight = total;
      top -= 1;
    }
    top += 1;
    blocks.mean[top] = blockMean;
    blocks.weight[top] = blockWeight;
    blocks.last[top] = group;
  }
  blocks.length = top + 1;
  return blocks;
}
