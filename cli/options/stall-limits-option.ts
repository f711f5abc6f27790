import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { checkedJson } from '../../schemas/strict-json.ts';
import {
  parseStallLimits,
  settingLines,
  DEFAULT_STALL_LIMITS,
  type StallLimits,
} from '../../pipelines/watch/stall-limits.ts';

/** What `stallLimitsOption` adds to a command. */
export interface StallLimitsFlag {
  readonly stallLimits?: string;
}

export function stallLimitsOption(): Option {
  return new Option(
    '--stall-limits <file>',
    'when stall alerts are raised, where a policy is meant to hold longer: JSON',
  );
}

/** What a file may set, for --help. */
export function stallLimitsHelp(): string {
  const lines = settingLines().map((line) => `  ${line}`);
  return `A file of --stall-limits has any of these, e.g. {"held_for_minutes": 720, "winner_above_r": 4}:\n${lines.join('\n')}`;
}

/** Those of the file, or the usual ones. Throws USAGE where it cannot be read, STALL_LIMITS_INVALID with every failing path. */
export function loadStallLimits({ stallLimits: file }: StallLimitsFlag): StallLimits {
  if (file === undefined) return DEFAULT_STALL_LIMITS;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new HarvestlineError('USAGE', `--stall-limits ${file}: cannot be read: ${messageOf(cause)}`, { cause });
  }
  return checkedJson('STALL_LIMITS_INVALID', file, bytes, (value) => parseStallLimits(value, file));
}
