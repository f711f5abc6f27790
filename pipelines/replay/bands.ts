/** A stretch of a scale, from the band before up to and including `upTo`. */
interface Band {
  readonly name: string;
  readonly upTo: number;
}

/** Every value is in exactly one band: `at or below upTo` of the first that takes it (B1). */
export type Bands = readonly Band[];

/** Profit in R, cut where the rungs of the built-in policies are: a rung scores above its R, so a band includes its upper end. */
export const R_BANDS: Bands = [
  // A rung at 0 scores above 0, but break-even is no loss: the largest number below 0.
  { name: '< 0', upTo: -Number.MIN_VALUE },
  { name: '0–1', upTo: 1 },
  { name: '1–2', upTo: 2 },
  { name: '2–3', upTo: 3 },
  { name: '3–5', upTo: 5 },
  { name: '5–8', upTo: 8 },
  { name: '> 8', upTo: Infinity },
];

/** Time since opening, in hours. */
export const AGE_BANDS: Bands = [
  // Fresh is below an hour, so an hour itself is not.
  { name: '< 1 h', upTo: 1 - Number.EPSILON / 2 },
  { name: '1–6 h', upTo: 6 },
  { name: '6–24 h', upTo: 24 },
  { name: '> 24 h', upTo: Infinity },
];

export function bandIndex(bands: Bands, value: number): number {
  for (let index = 0; index < bands.length; index++) if (value <= (bands[index]?.upTo ?? Infinity)) return index;
  return bands.length - 1;
}
