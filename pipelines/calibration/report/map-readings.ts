import { calibrate } from '../../scoring/confidence-map.ts';
import type { CalibrationReport } from '../report.ts';

export interface MapReading {
  readonly raw: number;
  readonly calibrated: number;
  /** Whether outcomes had such a confidence. */
  readonly observed: boolean;
}

/** The map at every tenth from 0 to 1: a curve to read off. */
export function mapReadings({ map, observed }: CalibrationReport): readonly MapReading[] {
  return Array.from({ length: 11 }, (_, tenth) => {
    const raw = tenth / 10;
    return { raw, calibrated: calibrate(map, raw), observed: raw >= observed.low && raw <= observed.high };
  });
}
