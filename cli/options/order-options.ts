import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_TERMS, type OrderTerms } from '../../pipelines/execution/order-plan.ts';
import type { OrderStyle } from '../../schemas/generated/records.ts';

export interface OrderCliOptions {
  readonly order?: OrderStyle;
  readonly maxSlippageBps?: number;
  readonly slices?: number;
  readonly postOnlySeconds?: number;
}

const STYLES = ['market', 'ioc', 'sliced', 'post_only'] as const satisfies readonly OrderStyle[];

/** More is no bound: exchanges refuse orders some per cent from the mark. Unit: basis points. */
const MOST_BPS = 5000;

/** Each takes a second, and a drain waits for the orders of a position. Unit: orders. */
const MOST_SLICES = 20;

/** The other positions of a partition wait for an order that rests. Unit: seconds. */
const MOST_RESTING_S = 60;

const MS_PER_SECOND = 1000;

/** The options that say how orders are sent. */
export function orderOptions(command: Command): Command {
  const { maxSlippageBps, slices, postOnlyMs } = DEFAULT_TERMS;
  return command
    .addOption(
      new Option(
        '--order <style>',
        'how orders are sent where the policy does not say (default: ioc at an exchange, market on paper)',
      ).choices(STYLES),
    )
    .option(
      '--max-slippage-bps <n>',
      `ioc, sliced: how far from the mark an order may fill, in basis points (default: ${maxSlippageBps})`,
      wholeUpTo(MOST_BPS),
    )
    .option('--slices <n>', `sliced: how many orders, one after the other (default: ${slices})`, wholeUpTo(MOST_SLICES))
    .option(
      '--post-only-seconds <n>',
      `post_only: how long a partial close rests before it is sent as ioc (default: ${postOnlyMs / MS_PER_SECOND})`,
      wholeUpTo(MOST_RESTING_S),
    );
}

/** `atExchange`: orders meet a real book, which may be thin. */
export function orderTerms(cli: OrderCliOptions, atExchange: boolean): OrderTerms {
  const seconds = cli.postOnlySeconds;
  return {
    ...DEFAULT_TERMS,
    style: cli.order ?? (atExchange ? 'ioc' : DEFAULT_TERMS.style),
    maxSlippageBps: cli.maxSlippageBps ?? DEFAULT_TERMS.maxSlippageBps,
    slices: cli.slices ?? DEFAULT_TERMS.slices,
    postOnlyMs: seconds === undefined ? DEFAULT_TERMS.postOnlyMs : seconds * MS_PER_SECOND,
  };
}

function wholeUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[1-9]\d{0,8}$/.test(text) && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  };
}
