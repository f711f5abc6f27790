import type { Random } from '../../ports/random.ts';
import { chooseMethod, mapAll } from './cross-validate.ts';
import { detectable } from './detectable.ts';
import { evaluateMap } from './evaluate-map.ts';
import { type Fit, fit, rangeOf } from './fit.ts';
import type { Method } from './method.ts';
import type { CalibrationReport } from './report.ts';
import { largestChange, safetyBounds } from './safety-bounds.ts';
import type { Samples } from './samples.ts';

export type Assessment = Pick<
  CalibrationReport,
  'candidates' | 'observed' | 'largest_change' | 'in_sample' | 'out_of_fold' | 'detectable' | 'bounds'
> & { readonly fit: Fit };

/** Everything that follows from the samples alone: method, fit, scores, bounds. `asked` null: cross-validation chooses. */
export function assess(
  samples: Samples,
  asked: Method | null,
  random: Random,
  onStep: (step: string) => void = () => {},
): Assessment {
  const { x, y } = samples;
  const choice = chooseMethod(samples, asked, onStep);
  onStep(`fit ${choice.method}`);
  const chosen = fit(choice.method, samples);
  const { from, forecasts } = choice.outOfFold;
  onStep('bootstrap in sample');
  const inSample = evaluateMap(x, mapAll(chosen.map, x), y, random);
  onStep('bootstrap out of fold');
  const outOfFold = evaluateMap(x.subarray(from), forecasts, y.subarray(from), random);
  const change = largestChange(chosen.map, samples);
  return {
    fit: chosen,
    candidates: choice.candidates,
    observed: rangeOf(x),
    largest_change: change,
    in_sample: inSample,
    out_of_fold: outOfFold,
    detectable: detectable(samples),
    bounds: safetyBounds(change, outOfFold),
  };
}
