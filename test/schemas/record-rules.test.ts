import { describe, expect, test } from 'vitest';
import { policyDigestOf } from '../../schemas/ids.ts';
import { recordChecker } from '../../schemas/record-rules.ts';
import { RECORD_RULES } from '../../schemas/record-rules.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';

const { positionSnapshot, harvestIntent, executionReport, tradeClosed, clmOutcome, confidenceCalibration } = TOPICS;
const { positionReconciled, shadowDecision, policyApplied, deskClaim, letterDiscarded } = TOPICS;
const [REDUCTION] = GOOD_RECORDS[positionReconciled.name].reductions;
const [FITTED] = GOOD_RECORDS[policyApplied.name].calibrations;
const FINAL = { status: 'FINAL', label: 'WIN', closed_at: 1_770_003_600_018 };

/** A patch that breaks just that rule of the topic's good record, and what is said. */
const BROKEN = [
  ['DC2', deskClaim, { by_default: true }, 'standing', 'must be false where by_default is true'],
  ['DC1', deskClaim, { state: 'RETIRED' }, 'reason', 'must be given for RETIRED'],
  [
    'LD1',
    letterDiscarded,
    { offset: 18 },
    'letter_id',
    'must be position.snapshot.dlq:3:18, found position.snapshot.dlq:3:17',
  ],
  ['S1', positionSnapshot, { peak_price: 106 }, 'peak_price', 'must be at least mark_price 107 for LONG, found 106'],
  [
    'S1',
    positionSnapshot,
    { side: 'SHORT', initial_stop_price: 102, worst_price: 107 },
    'peak_price',
    'must be at most mark_price 107 for SHORT',
  ],
  ['S2', positionSnapshot, { initial_stop_price: 100 }, 'initial_stop_price', 'must be below entry_price 100 for LONG'],
  [
    'S2',
    positionSnapshot,
    { side: 'SHORT', peak_price: 99, worst_price: 108 },
    'initial_stop_price',
    'must be above entry_price 100 for SHORT',
  ],
  ['S3', positionSnapshot, { opened_at: 1_770_003_600_001 }, 'opened_at', 'must not be after observed_at'],
  ['H1', harvestIntent, { action: 'CLOSE' }, 'fraction', 'must be 1 for CLOSE, found 0.5'],
  ['H2', harvestIntent, { hold_score: 4 }, 'hold_score', 'must be the sum of the HOLD factors 3, found 4'],
  ['H3', harvestIntent, { exit_score: 6.001 }, 'exit_score', 'must be the sum of the EXIT factors 6, found 6.001'],
  ['H4', harvestIntent, { opened_at: 1_770_003_600_001 }, 'opened_at', 'must not be after observed_at'],
  [
    'X1',
    executionReport,
    { filled_quantity: 1.5 },
    'filled_quantity',
    'must not be above rounded_quantity 1, found 1.5',
  ],
  ['X2', executionReport, { filled_quantity: 0 }, 'filled_quantity', 'must be above 0 for FILLED, found 0'],
  ['X2', executionReport, { status: 'UNKNOWN' }, 'filled_quantity', 'must be 0 for UNKNOWN, found 1'],
  ['X3', executionReport, { average_price: null }, 'average_price', 'must be given for FILLED'],
  ['X3', executionReport, { average_price: undefined }, 'average_price', 'must be given for FILLED'],
  ['X4', executionReport, { status: 'SUPPRESSED', filled_quantity: 0 }, 'submitted_at', 'must be null for SUPPRESSED'],
  [
    'X4',
    executionReport,
    { status: 'SUBMITTED', filled_quantity: 0, submitted_at: null },
    'submitted_at',
    'for SUBMITTED',
  ],
  ['T1', tradeClosed, { closed_at: 1_769_999_999_999 }, 'closed_at', 'must not be before opened_at'],
  ['T2', tradeClosed, { intent_id: null }, 'intent_id', 'must be given for origin HARVEST'],
  [
    'T3',
    tradeClosed,
    { pnl_quote: -7, pnl_net_quote: null },
    'pnl_quote',
    'must be the price move times quantity, 7, found -7',
  ],
  [
    'T3',
    tradeClosed,
    { side: 'SHORT', pnl_percent: -7 },
    'pnl_quote',
    'must be the price move times quantity, -7, found 7',
  ],
  ['T4', tradeClosed, { pnl_percent: 8 }, 'pnl_percent', 'must be the price move in per cent of entry_price, 7'],
  [
    'T4',
    tradeClosed,
    { side: 'SHORT', pnl_quote: -7, pnl_net_quote: null },
    'pnl_percent',
    'must be the price move in per cent of entry_price, -7',
  ],
  [
    'T5',
    tradeClosed,
    { pnl_net_quote: 6.89, r_net: null },
    'pnl_net_quote',
    'must be pnl_quote less the fees and funding, 6.9',
  ],
  ['T5', tradeClosed, { funding_quote: null }, 'pnl_net_quote', 'must be null where fee_quote'],
  ['T6', tradeClosed, { r_net: 3.48 }, 'r_net', 'must be pnl_net_quote over the initial risk, 3.45, found 3.48'],
  ['T7', tradeClosed, { fee_asset: null }, 'fee_amount', 'must name its asset'],
  ['T7', tradeClosed, { opening_fee_asset: null }, 'fee_amount', 'must name its asset'],
  ['T8', tradeClosed, { mae_r: 4.5 }, 'mae_r', 'must not be above mfe_r 4, found 4.5'],
  ['C4', clmOutcome, { funding_quote: -0.01 }, 'pnl_net_quote', 'must be pnl_quote less the fees and funding'],
  ['C4', clmOutcome, { opening_fee_quote: null }, 'pnl_net_quote', 'must be null where fee_quote'],
  ['C5', clmOutcome, { r_net: 3.5 }, 'r_net', 'must be pnl_net_quote over the initial risk, 3.45, found 3.5'],
  [
    'C5',
    clmOutcome,
    { initial_risk_quote: null },
    'r_net',
    'must be null where pnl_net_quote or initial_risk_quote is',
  ],
  ['C6', clmOutcome, { mae_r: 4.5 }, 'mae_r', 'must not be above mfe_r 4, found 4.5'],
  ['S4', positionSnapshot, { worst_price: 107.5 }, 'worst_price', 'must be at most mark_price 107 for LONG'],
  [
    'S4',
    positionSnapshot,
    { side: 'SHORT', initial_stop_price: 102, peak_price: 106 },
    'worst_price',
    'must be at least mark_price 107 for SHORT, found 99',
  ],
  ['C1', clmOutcome, { ...FINAL, label: null }, 'label', 'must be given for FINAL'],
  ['C1', clmOutcome, { label: 'WIN' }, 'label', 'must be null while ACCUMULATING'],
  ['C2', clmOutcome, { ...FINAL, closed_at: null }, 'closed_at', 'must be given for FINAL'],
  ['C2', clmOutcome, { closed_at: 1_770_003_600_018 }, 'closed_at', 'must be null while ACCUMULATING'],
  ['C3', clmOutcome, { slices: [] }, 'slices', 'must name at least one trade'],
  ['C3', clmOutcome, { slices: ['t-1', 't-2', 't-1'] }, 'slices', 'must name each trade once'],
  ['K1', confidenceCalibration, { map: { x: [0.5, 0.9], y: [0.4] } }, 'map', 'must have as many y as x'],
  ['K1', confidenceCalibration, { map: { x: [], y: [] } }, 'map', 'at least one'],
  ['K1', confidenceCalibration, { map: { x: [0.5, 0.5], y: [0.4, 0.5] } }, 'map', 'found x[1] 0.5 after 0.5'],
  ['K2', confidenceCalibration, { status: 'REJECTED' }, 'decided_by', 'must be given for REJECTED, with a reason'],
  [
    'K3',
    confidenceCalibration,
    { status: 'APPROVED', decided_by: 'Ada', reason: 'read' },
    'overridden',
    'largest_change is missing',
  ],
  ['K4', confidenceCalibration, { restores: 'cal-1' }, 'restores', 'must be null for PROPOSED'],
  ['R1', positionReconciled, { reductions: [REDUCTION, REDUCTION] }, 'reductions', 'each fill of a position once'],
  [
    'R1',
    positionReconciled,
    { reductions: [{ ...REDUCTION, closed_at: REDUCTION.opened_at - 1 }] },
    'reductions',
    'must not close before they opened, found fill 7001',
  ],
  ['D1', shadowDecision, { fraction: 0.1 }, 'fraction', 'must be 0 for HOLD, found 0.1'],
  ['D1', shadowDecision, { action: 'CLOSE', fraction: 0.9 }, 'fraction', 'must be 1 for CLOSE, found 0.9'],
  ['D1', shadowDecision, { action: 'PARTIAL_CLOSE' }, 'fraction', 'must be above 0 for PARTIAL_CLOSE, found 0'],
  ['D2', shadowDecision, { current_fraction: 0 }, 'current_fraction', 'must be above 0 for PARTIAL_CLOSE, found 0'],
  ['D2', shadowDecision, { current_action: 'CLOSE' }, 'current_fraction', 'must be 1 for CLOSE, found 0.5'],
  ['D3', shadowDecision, { policy: '2026-02-07' }, 'policy', 'must not be the policy in force, 2026-02-07'],
  ['D4', shadowDecision, { current_action: 'HOLD', current_fraction: 0 }, 'action', 'where current_action is HOLD'],
  ['PA1', policyApplied, { policy_digest: '0'.repeat(64) }, 'policy_digest', 'must be the SHA-256 of policy_json'],
  ['PA2', policyApplied, { policy: 'legacy' }, 'policy_json', 'must be the JSON of policy legacy, found 2026-02-07'],
  ['PA2', policyApplied, policyJsonOf('[]'), 'policy_json', 'found none'],
  ['PA2', policyApplied, policyJsonOf('{"id":'), 'policy_json', 'found none'],
  ['PA2', policyApplied, policyJsonOf('{"id":7}'), 'policy_json', 'found none'],
  ['PA3', policyApplied, { scope: 'position.snapshot/4' }, 'scope', 'must be that of input, position.snapshot/3'],
  ['PA4', policyApplied, { calibrations: [FITTED, FITTED] }, 'calibrations', 'each once, found ensemble-3 at 1'],
] as const;

function policyJsonOf(policy_json: string) {
  return { policy_json, policy_digest: policyDigestOf(policy_json) };
}

/** Records at the edge of a rule, on its good side. */
const KEPT = [
  ['S1', positionSnapshot, { peak_price: 107 }],
  ['S1', positionSnapshot, { side: 'SHORT', initial_stop_price: 102, peak_price: 107, worst_price: null }],
  ['S2', positionSnapshot, { initial_stop_price: null }],
  ['S2', positionSnapshot, { initial_stop_price: undefined }],
  ['S3', positionSnapshot, { opened_at: 1_770_003_600_000 }],
  ['H1', harvestIntent, { action: 'CLOSE', fraction: 1 }],
  ['H2', harvestIntent, { hold_score: 0.1 + 0.2 + 2.7 }],
  ['X2', executionReport, { status: 'REJECTED', filled_quantity: 0, average_price: null }],
  ['X4', executionReport, { status: 'SUPPRESSED', filled_quantity: 0, submitted_at: null }],
  ['T2', tradeClosed, { origin: 'EXTERNAL', intent_id: null }],
  [
    'T3',
    tradeClosed,
    { quantity: 0.1, entry_price: 0.1, exit_price: 0.3, pnl_quote: 0.02, pnl_percent: 200, pnl_net_quote: null },
  ],
  ['T3', tradeClosed, { origin: 'BACKFILL', pnl_quote: -7, pnl_net_quote: null }],
  ['T4', tradeClosed, { origin: 'BACKFILL', pnl_percent: -7 }],
  // As the second version had it: R after the fee of the closing.
  ['T6', tradeClosed, { pnl_net_quote: null, opening_fee_quote: null, funding_quote: null, r_net: 3.48 }],
  ['T5', tradeClosed, { fee_quote: undefined, pnl_net_quote: undefined }],
  ['C1', clmOutcome, FINAL],
  ['D1', shadowDecision, { action: 'PARTIAL_CLOSE', fraction: 1 }],
  ['D2', shadowDecision, { action: 'CLOSE', fraction: 1, current_action: 'HOLD', current_fraction: 0 }],
  ['PA4', policyApplied, { calibrations: [] }],
] as const;

test.each(BROKEN)('%s: %s', (_, topic, patch, path, why) => {
  expect(recordChecker(topic)({ ...GOOD_RECORDS[topic.name], ...patch })).toEqual([
    { path, why: expect.stringContaining(why) },
  ]);
});

test.each(KEPT)('%s keeps: %s', (_, topic, patch) => {
  expect(recordChecker(topic)({ ...GOOD_RECORDS[topic.name], ...patch })).toEqual([]);
});

test('every rule has a record here that breaks it', () => {
  const ids = Object.values(RECORD_RULES).flatMap((rules) => rules.map((rule) => rule.id));
  expect(new Set(BROKEN.map(([id]) => id))).toEqual(new Set(ids));
  expect(new Set(ids).size).toBe(ids.length);
});

describe('a rule whose fields are wrong by themselves stays silent', () => {
  test('so one fault is named once', () => {
    const record = { ...GOOD_RECORDS[positionSnapshot.name], peak_price: NaN, opened_at: 1_770_003_600_001 };
    expect(recordChecker(positionSnapshot)(record).map(({ path }) => path)).toEqual(['peak_price', 'opened_at']);
  });

  test('also where the fault is inside a list that it needs', () => {
    const good = GOOD_RECORDS[harvestIntent.name];
    const factors = [{ ...good.factors[0], points: '2' }, ...good.factors.slice(1)];
    expect(recordChecker(harvestIntent)({ ...good, factors }).map(({ path }) => path)).toEqual(['factors[0].points']);
  });

  test('and no rule is asked about what is no record', () => {
    expect(recordChecker(positionSnapshot)(null)).toHaveLength(1);
    expect(recordChecker(positionSnapshot)({}).every(({ why }) => why === 'is missing')).toBe(true);
  });
});
