/**
 * The rules over several fields of what decides and is decided: position.snapshot, harvest.intent, shadow.decision and policy.applied.
 */
import { type RecordRule, isGiven } from './check-record.ts';
import type {
  HarvestIntent,
  PolicyApplied,
  PositionSnapshot,
  ShadowAction,
  ShadowDecision,
} from './generated/records.ts';
import { policyDigestOf } from './ids.ts';

/** Sums of points are compared with this tolerance: they are small decimals, so anything larger is a wrong sum. Unit: points. */
const SCORE_TOLERANCE = 1e-9;

export const SNAPSHOT_RULES: readonly RecordRule<PositionSnapshot>[] = [
  {
    id: 'S1',
    path: 'peak_price',
    needs: ['side', 'peak_price', 'mark_price'],
    violation: ({ side, peak_price, mark_price }) => {
      if (side === 'LONG' && peak_price < mark_price)
        return `must be at least mark_price ${mark_price} for LONG, found ${peak_price}`;
      if (side === 'SHORT' && peak_price > mark_price)
        return `must be at most mark_price ${mark_price} for SHORT, found ${peak_price}`;
      return null;
    },
  },
  {
    id: 'S2',
    path: 'initial_stop_price',
    needs: ['side', 'entry_price', 'initial_stop_price'],
    violation: ({ side, entry_price, initial_stop_price }) => {
      // A producer may leave a nullable field out altogether.
      if (!isGiven(initial_stop_price)) return null;
      if (side === 'LONG' && initial_stop_price >= entry_price)
        return `must be below entry_price ${entry_price} for LONG, found ${initial_stop_price}`;
      if (side === 'SHORT' && initial_stop_price <= entry_price)
        return `must be above entry_price ${entry_price} for SHORT, found ${initial_stop_price}`;
      return null;
    },
  },
  {
    id: 'S4',
    path: 'worst_price',
    needs: ['side', 'worst_price', 'mark_price'],
    violation: ({ side, worst_price, mark_price }) => {
      if (!isGiven(worst_price)) return null;
      if (side === 'LONG' && worst_price > mark_price)
        return `must be at most mark_price ${mark_price} for LONG, found ${worst_price}`;
      if (side === 'SHORT' && worst_price < mark_price)
        return `must be at least mark_price ${mark_price} for SHORT, found ${worst_price}`;
      return null;
    },
  },
  {
    id: 'S3',
    path: 'opened_at',
    needs: ['opened_at', 'observed_at'],
    violation: ({ opened_at, observed_at }) =>
      opened_at > observed_at ? `must not be after observed_at ${observed_at}, found ${opened_at}` : null,
  },
];

export const INTENT_RULES: readonly RecordRule<HarvestIntent>[] = [
  {
    id: 'H1',
    path: 'fraction',
    needs: ['action', 'fraction'],
    violation: ({ action, fraction }) =>
      action === 'CLOSE' && fraction !== 1 ? `must be 1 for CLOSE, found ${fraction}` : null,
  },
  {
    id: 'H2',
    path: 'hold_score',
    needs: ['factors', 'hold_score'],
    violation: ({ factors, hold_score }) => {
      const sum = scoreOf(factors, 'HOLD');
      return Math.abs(sum - hold_score) > SCORE_TOLERANCE
        ? `must be the sum of the HOLD factors ${sum}, found ${hold_score}`
        : null;
    },
  },
  {
    id: 'H3',
    path: 'exit_score',
    needs: ['factors', 'exit_score'],
    violation: ({ factors, exit_score }) => {
      const sum = scoreOf(factors, 'EXIT');
      return Math.abs(sum - exit_score) > SCORE_TOLERANCE
        ? `must be the sum of the EXIT factors ${sum}, found ${exit_score}`
        : null;
    },
  },
  {
    id: 'H4',
    path: 'opened_at',
    needs: ['opened_at', 'observed_at'],
    violation: ({ opened_at, observed_at }) =>
      opened_at > observed_at ? `must not be after observed_at ${observed_at}, found ${opened_at}` : null,
  },
];

function scoreOf(factors: HarvestIntent['factors'], side: 'HOLD' | 'EXIT'): number {
  return factors.reduce((sum, factor) => (factor.side === side ? sum + factor.points : sum), 0);
}

export const SHADOW_RULES: readonly RecordRule<ShadowDecision>[] = [
  {
    id: 'D1',
    path: 'fraction',
    needs: ['action', 'fraction'],
    violation: ({ action, fraction }) => fractionViolation(action, fraction),
  },
  {
    id: 'D2',
    path: 'current_fraction',
    needs: ['current_action', 'current_fraction'],
    violation: ({ current_action, current_fraction }) => fractionViolation(current_action, current_fraction),
  },
  {
    id: 'D3',
    path: 'policy',
    needs: ['policy', 'against'],
    violation: ({ policy, against }) => (policy === against ? `must not be the policy in force, ${against}` : null),
  },
  {
    id: 'D4',
    path: 'action',
    needs: ['action', 'current_action'],
    violation: ({ action, current_action }) =>
      action === 'HOLD' && current_action === 'HOLD' ? 'must not be HOLD where current_action is HOLD, too' : null,
  },
];

function fractionViolation(action: ShadowAction, fraction: number): string | null {
  if (action === 'CLOSE') return fraction === 1 ? null : `must be 1 for CLOSE, found ${fraction}`;
  if (action === 'HOLD') return fraction === 0 ? null : `must be 0 for HOLD, found ${fraction}`;
  return fraction > 0 ? null : `must be above 0 for ${action}, found ${fraction}`;
}

export const POLICY_RULES: readonly RecordRule<PolicyApplied>[] = [
  {
    id: 'PA1',
    path: 'policy_digest',
    needs: ['policy_json', 'policy_digest'],
    violation: ({ policy_json, policy_digest }) => {
      const digest = policyDigestOf(policy_json);
      return digest === policy_digest ? null : `must be the SHA-256 of policy_json, ${digest}, found ${policy_digest}`;
    },
  },
  {
    id: 'PA2',
    path: 'policy_json',
    needs: ['policy_json', 'policy'],
    violation: ({ policy_json, policy }) => {
      const id = idIn(policy_json);
      return id === policy ? null : `must be the JSON of policy ${policy}, found ${id ?? 'none'}`;
    },
  },
  {
    id: 'PA3',
    path: 'scope',
    needs: ['scope', 'input'],
    violation: ({ scope, input }) => {
      const expected = `${input.topic}/${input.partition}`;
      return scope === expected ? null : `must be that of input, ${expected}, found ${scope}`;
    },
  },
  {
    id: 'PA4',
    path: 'calibrations',
    needs: ['calibrations'],
    violation: ({ calibrations }) => {
      const at = calibrations.findIndex(
        ({ model_id }, index) => index > 0 && model_id <= (calibrations[index - 1]?.model_id ?? ''),
      );
      return at === -1 ? null : `must ascend by model_id, each once, found ${calibrations[at]?.model_id} at ${at}`;
    },
  },
];

/** The id that a policy's JSON text says; null where it says none. */
function idIn(policyJson: string): string | null {
  let policy: unknown;
  try {
    policy = JSON.parse(policyJson);
  } catch {
    return null;
  }
  if (typeof policy !== 'object' || policy === null || !('id' in policy)) return null;
  return typeof policy.id === 'string' ? policy.id : null;
}
