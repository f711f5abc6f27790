import type { CalibrationReport, ScoreChange, ScoreName } from '../../../pipelines/calibration/report.ts';
import type { SliceFigures } from '../../../pipelines/calibration/slice-figures.ts';
import type { Interval } from '../../../pipelines/calibration/statistics.ts';

const HOUR_MS = 60 * 60 * 1000;
const LATEST = 1_772_668_800_000;

/** A model with a mean confidence of 0.79 and a win rate of 0.63: 1,200 usable outcomes of 8 symbols, a sigmoid map, all bounds hold. The figures are simulated. */
export const SAMPLE_REPORT: CalibrationReport = {
  version: 'cal-3f9c1d0ab27e4456',
  model_id: 'ensemble-7',
  proposed_at: 1_772_700_000_000,
  program_version: '0.9.0',
  parent: null,
  method: 'sigmoid',
  method_asked_for: false,
  candidates: [
    {
      method: 'constant',
      brier: 0.2328,
      log_loss: 0.6581,
      why_not: 'the base rate, whatever is said: what every map has to beat',
    },
    {
      method: 'identity',
      brier: 0.2462,
      log_loss: 0.696,
      why_not: 'sigmoid is better by more than one standard error',
    },
    { method: 'sigmoid', brier: 0.2214, log_loss: 0.6324, why_not: null },
    {
      method: 'sigmoid_log_odds',
      brier: 0.2215,
      log_loss: 0.6325,
      why_not: 'sigmoid did better out of fold by 0.0001',
    },
    { method: 'beta', brier: 0.2212, log_loss: 0.6319, why_not: 'no better than sigmoid, and less simple' },
    { method: 'isotonic', brier: 0.2231, log_loss: 0.6417, why_not: 'worse than sigmoid' },
  ],
  half_life_days: null,
  winner: { next: 'beta', margin: -0.0002, interval: { low: -0.0011, high: 0.0008 } },
  label: 'pnl',
  label_rates: [
    {
      rule: 'pnl',
      n: 1296,
      wins: 752,
      losses: 448,
      neutral: 96,
      win: 0.58,
      win_if_decided: 0.627,
      neutral_share: 0.074,
    },
    { rule: 'r:0.5', n: 0, wins: 0, losses: 0, neutral: 0, win: null, win_if_decided: null, neutral_share: null },
    { rule: 'net', n: 0, wins: 0, losses: 0, neutral: 0, win: null, win_if_decided: null, neutral_share: null },
  ],
  label_rule: 'WIN is 1 (pnl_percent above +0.5), LOSS is 0 (below -0.5), NEUTRAL is left out',
  counts: { final: 1343, usable: 1200, wins: 752, losses: 448, neutral: 96, excluded: 47, symbols: 8 },
  slices: [
    { by: 'label', name: 'WIN', n: 752, wins: 752, confidence: 0.799 },
    { by: 'label', name: 'LOSS', n: 448, wins: 0, confidence: 0.773 },
    { by: 'model', name: 'ensemble-7', n: 1200, wins: 752, confidence: 0.789 },
    { by: 'symbol', name: 'BTCUSDT', n: 352, wins: 231, confidence: 0.801 },
    { by: 'symbol', name: 'ETHUSDT', n: 268, wins: 171, confidence: 0.794 },
    { by: 'symbol', name: 'SOLUSDT', n: 181, wins: 112, confidence: 0.787 },
    { by: 'symbol', name: 'XRPUSDT', n: 124, wins: 74, confidence: 0.781 },
    { by: 'symbol', name: 'BNBUSDT', n: 98, wins: 60, confidence: 0.783 },
    { by: 'symbol', name: 'DOGEUSDT', n: 77, wins: 43, confidence: 0.774 },
    { by: 'symbol', name: 'ADAUSDT', n: 58, wins: 35, confidence: 0.779 },
    { by: 'symbol', name: 'LINKUSDT', n: 42, wins: 26, confidence: 0.776 },
    { by: 'side', name: 'LONG', n: 703, wins: 451, confidence: 0.792 },
    { by: 'side', name: 'SHORT', n: 497, wins: 301, confidence: 0.785 },
    { by: 'exit_reason', name: 'moderate_exit', n: 604, wins: 441, confidence: 0.795 },
    { by: 'exit_reason', name: 'stop_loss', n: 318, wins: 41, confidence: 0.779 },
    { by: 'exit_reason', name: 'take_profit', n: 203, wins: 203, confidence: 0.798 },
    { by: 'exit_reason', name: 'thesis_broken', n: 147, wins: 88, confidence: 0.781 },
  ],
  sliced: {
    all: sliceOf('all', 'ensemble-7', 1200, 752, 0.789, 0.03, 0.2462),
    slices: [
      sliceOf('symbol', 'BTCUSDT', 352, 231, 0.801, 0.05, 0.241),
      sliceOf('symbol', 'ETHUSDT', 268, 171, 0.794, 0.058, 0.2431),
      sliceOf('side', 'LONG', 703, 451, 0.792, 0.037, 0.2447),
      sliceOf('side', 'SHORT', 497, 301, 0.785, null, 0.2483),
    ],
    weeks: [
      sliceOf('week', '2026-02-23', 166, 109, 0.79, null, 0.2398),
      sliceOf('week', '2026-03-02', 71, 40, 0.787, null, 0.2511),
    ],
    cusum: { statistic: 0.81, threshold: 1.3581, day: LATEST - 14 * 24 * HOUR_MS },
  },
  excluded: [
    { reason: 'NEUTRAL', n: 96 },
    { reason: 'MANUAL_CLOSE', n: 29 },
    { reason: 'NO_CONFIDENCE', n: 18 },
  ],
  map: {
    x: [
      0.52, 0.545, 0.57, 0.595, 0.62, 0.645, 0.67, 0.695, 0.72, 0.745, 0.77, 0.795, 0.82, 0.845, 0.87, 0.895, 0.92,
      0.945, 0.97,
    ],
    y: [
      0.2685, 0.2977, 0.3286, 0.3611, 0.3949, 0.4297, 0.4652, 0.5011, 0.537, 0.5725, 0.6073, 0.641, 0.6734, 0.7042,
      0.7332, 0.7604, 0.7856, 0.8088, 0.8301,
    ],
  },
  parameters: [
    { name: 'a', value: -5.7517 },
    { name: 'b', value: 3.9929 },
  ],
  auc: { value: 0.642, low: 0.611, high: 0.672 },
  dependence: { n: 1200, effective: 934.2, blocks: 59, block_ms: 86_400_000 },
  observed: { low: 0.52, high: 0.97 },
  largest_change: { at: 0.52, from: 0.52, to: 0.2685 },
  in_sample: {
    n: 1200,
    scores: [
      scoreChange('brier', [0.2493, 0.2228], [0.2332, 0.2652], [0.2142, 0.2311], [-0.0354, -0.0177]),
      scoreChange('log_loss', [0.7043, 0.6352], [0.6651, 0.7435], [0.6159, 0.6531], [-0.0932, -0.0476]),
      scoreChange('ece', [0.1626, 0.0214], [0.1365, 0.19], [0.0095, 0.0421], [-0.1486, -0.096]),
      scoreChange('mcb', [0.0307, 0.0042], [0.0236, 0.0427], [0.0016, 0.0079], [-0.0354, -0.0177]),
      scoreChange('dsc', [0.0154, 0.0154], [0.0118, 0.0233], [0.0118, 0.0233], [0, 0]),
      scoreChange('unc', [0.234, 0.234], [0.2262, 0.2403], [0.2262, 0.2403], [0, 0]),
    ],
    reliability: {
      before: {
        x: [
          0.52, 0.561, 0.564, 0.569, 0.571, 0.655, 0.656, 0.678, 0.679, 0.726, 0.727, 0.763, 0.764, 0.804, 0.805, 0.892,
          0.893, 0.9, 0.901, 0.907, 0.908, 0.922, 0.923, 0.928, 0.929, 0.959, 0.96, 0.97,
        ],
        y: [
          0, 0, 0.333, 0.333, 0.426, 0.426, 0.435, 0.435, 0.546, 0.546, 0.557, 0.557, 0.611, 0.611, 0.673, 0.673, 0.75,
          0.75, 0.818, 0.818, 0.839, 0.839, 0.857, 0.857, 0.882, 0.882, 1, 1,
        ],
        band: {
          x: [0.52, 0.558, 0.595, 0.633, 0.67, 0.708, 0.745, 0.783, 0.82, 0.857, 0.895, 0.932, 0.97],
          low: [0, 0, 0.364, 0.48, 0.586, 0.644, 0.685, 0.734, 0.77, 0.807, 0.842, 0.878, 0.926],
          high: [0.635, 0.643, 0.688, 0.709, 0.742, 0.763, 0.798, 0.831, 0.866, 0.914, 0.95, 1, 1],
        },
        histogram: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 11, 36, 128, 214, 282, 238, 158, 89, 43],
      },
      after: {
        x: [
          0.269, 0.317, 0.321, 0.327, 0.33, 0.444, 0.445, 0.477, 0.478, 0.546, 0.547, 0.598, 0.599, 0.653, 0.654, 0.757,
          0.758, 0.766, 0.767, 0.773, 0.774, 0.788, 0.789, 0.793, 0.794, 0.821, 0.822, 0.83,
        ],
        y: [
          0, 0, 0.333, 0.333, 0.426, 0.426, 0.435, 0.435, 0.546, 0.546, 0.557, 0.557, 0.611, 0.611, 0.673, 0.673, 0.75,
          0.75, 0.818, 0.818, 0.839, 0.839, 0.857, 0.857, 0.882, 0.882, 1, 1,
        ],
        band: {
          x: [0.269, 0.315, 0.362, 0.409, 0.456, 0.503, 0.549, 0.596, 0.643, 0.69, 0.736, 0.783, 0.83],
          low: [0, 0, 0.133, 0.261, 0.357, 0.413, 0.482, 0.531, 0.584, 0.622, 0.668, 0.723, 0.761],
          high: [0.393, 0.415, 0.463, 0.493, 0.531, 0.566, 0.614, 0.658, 0.697, 0.759, 0.802, 0.868, 0.949],
        },
        histogram: [0, 0, 0, 0, 0, 1, 9, 11, 54, 81, 135, 172, 212, 201, 154, 108, 62, 0, 0, 0],
      },
    },
  },
  out_of_fold: {
    n: 1000,
    scores: [
      scoreChange('brier', [0.2462, 0.2214], [0.2296, 0.2636], [0.2129, 0.2293], [-0.0364, -0.015]),
      scoreChange('log_loss', [0.696, 0.6324], [0.656, 0.7376], [0.614, 0.6491], [-0.0921, -0.0406]),
      scoreChange('ece', [0.1584, 0.0322], [0.1322, 0.1899], [0.0282, 0.0692], [-0.1509, -0.0715]),
      scoreChange('mcb', [0.0304, 0.0052], [0.0248, 0.0445], [0.0021, 0.0094], [-0.0365, -0.0159]),
      scoreChange('dsc', [0.017, 0.0166], [0.0136, 0.0264], [0.0132, 0.0262], [-0.0017, 0.0014]),
      scoreChange('unc', [0.2328, 0.2328], [0.2247, 0.2402], [0.2247, 0.2402], [0, 0]),
    ],
    reliability: {
      before: {
        x: [
          0.52, 0.569, 0.571, 0.587, 0.589, 0.678, 0.679, 0.769, 0.77, 0.782, 0.783, 0.785, 0.786, 0.805, 0.806, 0.828,
          0.829, 0.884, 0.885, 0.892, 0.894, 0.9, 0.901, 0.906, 0.907, 0.917, 0.918, 0.952, 0.957, 0.97,
        ],
        y: [
          0, 0, 0.4, 0.4, 0.44, 0.44, 0.562, 0.562, 0.578, 0.578, 0.615, 0.615, 0.632, 0.632, 0.673, 0.673, 0.678,
          0.678, 0.684, 0.684, 0.75, 0.75, 0.846, 0.846, 0.864, 0.864, 0.902, 0.902, 1, 1,
        ],
        band: {
          x: [0.52, 0.558, 0.595, 0.633, 0.67, 0.708, 0.745, 0.783, 0.82, 0.857, 0.895, 0.932, 0.97],
          low: [0, 0, 0.333, 0.432, 0.568, 0.643, 0.688, 0.728, 0.768, 0.804, 0.845, 0.882, 0.923],
          high: [0.659, 0.659, 0.694, 0.712, 0.739, 0.761, 0.798, 0.843, 0.874, 0.918, 0.966, 1, 1],
        },
        histogram: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 31, 105, 183, 223, 203, 135, 75, 35],
      },
      after: {
        x: [
          0.24, 0.288, 0.304, 0.367, 0.37, 0.462, 0.463, 0.472, 0.472, 0.497, 0.498, 0.51, 0.511, 0.58, 0.58, 0.587,
          0.587, 0.618, 0.618, 0.647, 0.647, 0.737, 0.738, 0.756, 0.757, 0.759, 0.76, 0.769, 0.77, 0.795, 0.795, 0.822,
        ],
        y: [
          0, 0, 0.364, 0.364, 0.457, 0.457, 0.467, 0.467, 0.486, 0.486, 0.535, 0.535, 0.568, 0.568, 0.594, 0.594, 0.611,
          0.611, 0.648, 0.648, 0.677, 0.677, 0.824, 0.824, 0.833, 0.833, 0.889, 0.889, 0.923, 0.923, 1, 1,
        ],
        band: {
          x: [0.24, 0.289, 0.337, 0.386, 0.435, 0.483, 0.531, 0.58, 0.628, 0.677, 0.725, 0.774, 0.822],
          low: [0, 0, 0, 0.182, 0.283, 0.387, 0.447, 0.508, 0.562, 0.615, 0.651, 0.696, 0.762],
          high: [0.34, 0.418, 0.443, 0.49, 0.511, 0.553, 0.596, 0.637, 0.691, 0.75, 0.805, 0.882, 1],
        },
        histogram: [0, 0, 0, 0, 1, 1, 7, 18, 49, 77, 134, 176, 186, 146, 108, 69, 28, 0, 0, 0],
      },
    },
  },
  detectable: { n: 1200, gap: 0.0326, found: 0.1626 },
  flips: {
    policy: '2026-02-07',
    against_direction: 0,
    factors: {
      before: { confidence_intact: 20_311, confidence_degraded: 1304 },
      after: { confidence_intact: 20_502, confidence_degraded: 1113 },
    },
    snapshots: 18_240,
    flips: 57,
    matrix: {
      HOLD: { HOLD: 12_902, PARTIAL_CLOSE: 9, CLOSE: 0 },
      PARTIAL_CLOSE: { HOLD: 21, PARTIAL_CLOSE: 4_630, CLOSE: 4 },
      CLOSE: { HOLD: 5, PARTIAL_CLOSE: 18, CLOSE: 651 },
    },
    examples: Array.from({ length: 20 }, (_, index) => ({
      position_id: `pos-${(0x8c1f2a90d3e4 + 7919 * index).toString(16)}`,
      symbol: index % 3 === 0 ? 'ETHUSDT' : 'SOLUSDT',
      observed_at: LATEST - index * 5 * HOUR_MS,
      from: index % 4 === 0 ? 'CLOSE' : 'PARTIAL_CLOSE',
      to: index % 4 === 0 ? 'PARTIAL_CLOSE' : 'HOLD',
      confidence: 0.61,
      calibrated: 0.4232,
      partition: index % 12,
      offset: 1520 - 13 * index,
    })),
  },
  bounds: [
    {
      name: 'brier_improvement',
      rule: 'Brier out of fold: 95 % interval of the change below 0',
      limit: 0,
      value: -0.015,
      holds: true,
    },
    {
      name: 'largest_change',
      rule: 'no change above 0.15 where outcomes are thin',
      limit: 0.15,
      value: 0.1215,
      holds: true,
    },
    {
      name: 'flips',
      rule: 'at most 10 % of past snapshots decided otherwise',
      limit: 0.1,
      value: 0.0031,
      holds: true,
    },
  ],
  risks: ['No outcome had a confidence below 0.52 or above 0.97: there the map is a constant, not a finding.'],
  do_not_apply_if: [
    'ensemble-7 was retrained, or its inputs changed, since these outcomes were recorded (the outcomes closed from 2026-01-04T09:12:00.000Z to 2026-03-04T22:41:00.000Z).',
    'The policy, the stops or the label rule changed in between: outcomes are results of exits too, not of the model alone.',
    'The market of the coming weeks is expected to be unlike the market of these outcomes.',
    'The outcomes were imported from a recorder whose confidences nobody has checked.',
  ],
  evidence: {
    topic: 'clm.outcome',
    ranges: Array.from({ length: 12 }, (_, partition) => ({ partition, from: 0, to: 412 + ((partition * 37) % 90) })),
    dataset_hash: '9b1f6c0e5d7a48e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7089abc',
    rows: 1343,
    schema_ids: [6],
  },
};

/** The same, with the bound of the largest change broken. */
export const BROKEN_REPORT: CalibrationReport = {
  ...SAMPLE_REPORT,
  bounds: SAMPLE_REPORT.bounds.map((bound) =>
    bound.name === 'largest_change' ? { ...bound, value: 0.2515, holds: false } : bound,
  ),
};

type Pair = readonly [number, number];

function scoreChange(name: ScoreName, [before, after]: Pair, raw: Pair, mapped: Pair, change: Pair): ScoreChange {
  return {
    name,
    before,
    after,
    change: Number((after - before).toFixed(4)),
    before_interval: range(raw),
    after_interval: range(mapped),
    change_interval: range(change),
  };
}

function range([low, high]: Pair): Interval {
  return { low, high };
}

function sliceOf(
  by: SliceFigures['by'],
  name: string,
  n: number,
  wins: number,
  confidence: number,
  half: number | null,
  brier: number,
): SliceFigures {
  const hit_rate = wins / n;
  const gap = confidence - hit_rate;
  const [gap_low, gap_high] = half === null ? [null, null] : [gap - half, gap + half];
  return { by, name, n, wins, hit_rate, mean_confidence: confidence, gap, gap_low, gap_high, brier };
}
