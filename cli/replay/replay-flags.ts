import type { WorldOptions } from '../options/log-options.ts';

/** What `harvestline replay` was told. */
export interface ReplayFlags extends WorldOptions {
  readonly policy: readonly string[];
  /** Recomputes intents instead of comparing policies. */
  readonly audit?: true;
  /** Left out: what is in force (pipelines/scoring/policy-history.ts). */
  readonly against?: string;
  readonly from?: string;
  readonly to?: string;
  readonly failIf: readonly string[];
  readonly flips: number;
  readonly raw?: true;
  readonly maps: 'then' | 'now';
  readonly costs: string;
  readonly seed: number;
  readonly html?: string;
  readonly json?: true;
}
