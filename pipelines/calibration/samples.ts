/** What a fit learns from, in time order: raw confidence (0 to 1) and outcome (1 WIN, 0 not), equally long. */
export interface Samples {
  readonly x: Float64Array;
  readonly y: Float64Array;
}
