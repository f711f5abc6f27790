import { type Command, Option } from 'commander';
import { type VenueSettings, hasCredentials, venueSettings } from '../../connectors/exchange/ccxt/venue-settings.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { accountName, amount, marketIds, positiveNumber, wholeUpTo } from './parsers.ts';
import { type Desk, EVERY_OTHER_ACCOUNT, MAIN_ACCOUNT } from '../../pipelines/desk/claims.ts';
import { DEFAULT_TERMS, type OrderTerms } from '../../pipelines/execution/order-plan.ts';
import type { OrderStyle } from '../../schemas/generated/records.ts';

const PAPER = 'paper';

/** The exchange that paper fills take their prices from, and whose account is watched, unless another is named. */
const DEFAULT_DATA_VENUE = 'binanceusdm';

export interface VenueCliOptions extends OrderCliOptions {
  readonly venue: string;
  readonly demo?: true;
  readonly live?: true;
  readonly dataVenue: string;
  readonly account?: string;
  readonly symbols?: readonly string[];
  readonly maxNotional?: number;
  readonly maxClosesPerMinute?: number;
  readonly leaveResting?: true;
  readonly venueUrl?: string;
  readonly venueSettings?: string;
  readonly cycle: number;
  /** False: changes are seen in cycles only. */
  readonly stream?: boolean;
  readonly market?: 'live' | 'simulated' | 'candles';
}

/** Where positions and prices come from, and where orders go. */
export type VenueChoice =
  /** A simulated desk, or recorded candles; orders to the paper venue. */
  | { readonly kind: 'paper' }
  /** A real account and real prices; orders to the paper venue. */
  | { readonly kind: 'live-paper'; readonly settings: VenueSettings }
  | { readonly kind: 'exchange'; readonly settings: VenueSettings };

/** A desk of fifteen positions closes a few a minute; more means that something is wrong. Unit: orders. */
const DEFAULT_CLOSES_PER_MINUTE = 30;

/**
 * An order takes about four requests, and exchanges allow some tens a second: this many use that up, and none waits long for the others.
 * Unit: pairs of account and symbol.
 */
const AT_ONCE_AT_AN_EXCHANGE = 8;

/** Prices move little within it, and fifteen symbols cost a small part of an exchange's allowance. Unit: milliseconds. */
const DEFAULT_CYCLE_MS = 30_000;

/** The options that choose a venue and set the limits of orders there. */
export function venueOptions(command: Command): Command {
  const chosen = command
    .option('--venue <id>', `where orders go: ${PAPER}, or a futures exchange by its ccxt id, e.g. binanceusdm`, PAPER)
    .addOption(new Option('--demo', "the exchange's practice accounts").conflicts('live'))
    .option('--live', 'real money; needs --symbols')
    .option('--data-venue <id>', `${PAPER}: the exchange whose account and prices it follows`, DEFAULT_DATA_VENUE)
    .option(
      '--account <name>',
      `the account that is worked, as records name it; stands claimed until \`desk retire\` (default: at an exchange ${MAIN_ACCOUNT}, on paper without keys each that nobody else has claimed)`,
      accountName,
    )
    .option('--symbols <list>', 'only these market ids, e.g. BTCUSDT,ETHUSDT; may be repeated', marketIds)
    .option(
      '--max-notional <quote>',
      "cut an order that is worth more at the exchange's mark price (quote currency); later ones take the rest",
      amount,
    )
    .option(
      '--max-closes-per-minute <n>',
      `refuse orders beyond so many a minute (default at an exchange: ${DEFAULT_CLOSES_PER_MINUTE})`,
      positiveNumber,
    )
    .option(
      '--leave-resting',
      'leave stops and targets where they are after a whole close, instead of cancelling them; reports and `status` name them',
    )
    .option('--cycle <ms>', 'snapshots: time between two looks at the account', positiveNumber, DEFAULT_CYCLE_MS)
    .option('--no-stream', "snapshots: see changes in cycles only, and leave the exchange's user data stream alone")
    .option('--venue-url <url>', "an address in place of the exchange's own, such as a local test server")
    .option('--venue-settings <file>', 'JSON with what an exchange needs that is not known here (docs/exchanges.md)');
  return orderOptions(chosen);
}

/**
 * The venue that the options choose. Real money is at stake only with --live and a list of symbols. Throws USAGE for options that are
 * missing or contradict each other.
 */
export function chooseVenue(options: VenueCliOptions, env: Readonly<Record<string, string | undefined>>): VenueChoice {
  const { venue, demo, live, symbols, dataVenue, venueUrl: url, venueSettings: settingsFile } = options;
  if (venue === PAPER) {
    if (demo === true || live === true)
      throw usage(`--${live === true ? 'live' : 'demo'} goes with an exchange: --venue ID`);
    const market = options.market ?? (hasCredentials(env) ? 'live' : 'simulated');
    if (market !== 'live') return { kind: 'paper' };
    return { kind: 'live-paper', settings: venueSettings({ id: dataVenue, stake: 'data', url, settingsFile }, env) };
  }
  if (demo !== true && live !== true) {
    throw usage(
      `--venue ${venue} sends orders: say --demo for practice accounts, or --live --symbols … for real money`,
    );
  }
  if (options.market !== undefined && options.market !== 'live') {
    throw usage(`--market ${options.market} is for the paper venue: an exchange has prices of its own`);
  }
  if (live === true && (symbols === undefined || symbols.length === 0)) {
    throw usage('--live needs --symbols: every market that may be touched is named');
  }
  const stake = live === true ? 'live' : 'demo';
  return { kind: 'exchange', settings: venueSettings({ id: venue, stake, url, settingsFile }, env) };
}

/** The limits of execution at the venue. */
export function venueLimits(options: VenueCliOptions, choice: VenueChoice) {
  const bound = choice.kind === 'exchange';
  return {
    maxOrderNotional: options.maxNotional ?? null,
    maxClosesPerMinute: options.maxClosesPerMinute ?? (bound ? DEFAULT_CLOSES_PER_MINUTE : null),
    ...(bound ? { maxAtOnce: AT_ONCE_AT_AN_EXCHANGE } : {}),
    order: orderTerms(options, bound),
    leaveResting: options.leaveResting === true,
    symbols: options.symbols === undefined ? null : new Set(options.symbols),
    // Records of an account that is followed on paper name the paper venue.
    ownVenueOnly: choice.kind !== 'paper',
  };
}

/** The account that a process works, its venue, and whether it is real; `standing` where a person has named it. */
export function deskOf(
  { account: named }: VenueCliOptions,
  choice: VenueChoice,
): Omit<Desk, 'part'> & { readonly standing: boolean } {
  const standing = named !== undefined;
  if (choice.kind === 'paper') return { account: named ?? EVERY_OTHER_ACCOUNT, venue: PAPER, mode: 'PAPER', standing };
  const account = named ?? MAIN_ACCOUNT;
  if (choice.kind === 'live-paper') return { account, venue: PAPER, mode: 'PAPER', standing };
  const { id: venue, stake } = choice.settings;
  return { account, venue, mode: stake === 'live' ? 'LIVE' : 'DEMO', standing };
}

function usage(message: string): HarvestlineError {
  return new HarvestlineError('USAGE', message);
}

export interface OrderCliOptions {
  readonly order?: OrderStyle;
  readonly maxSlippageBps?: number;
  readonly slices?: number;
  readonly postOnlySeconds?: number;
}

const STYLES = ['market', 'ioc', 'sliced', 'post_only'] as const satisfies readonly OrderStyle[];

/** Exchanges refuse orders that are some per cent from the mark, so a larger bound is none. Unit: basis points. */
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
