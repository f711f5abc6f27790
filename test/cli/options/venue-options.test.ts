import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { type VenueCliOptions, chooseVenue, venueLimits, venueOptions } from '../../../cli/options/venue-options.ts';
import { DEFAULT_TERMS } from '../../../pipelines/execution/order-plan.ts';

const KEYS = { HARVESTLINE_API_KEY: 'k', HARVESTLINE_API_SECRET: 's' };

function parsed(...argv: string[]): VenueCliOptions {
  const command = venueOptions(new Command('run'))
    .option('--market <kind>')
    .exitOverride()
    .configureOutput({ writeErr() {} });
  return command.parse(argv, { from: 'user' }).opts();
}

const chosen = (argv: string[], env = {}) => {
  const { kind, ...choice } = chooseVenue(parsed(...argv), env);
  return 'settings' in choice ? [kind, choice.settings.id, choice.settings.stake] : [kind];
};

describe('--account', () => {
  it.each(['main', 'desk 1', 'büro', 'a'])('%j names an account', (name) => {
    expect(parsed('--account', name).account).toBe(name);
  });

  it.each(['', ' ', ' main', 'main ', 'a:b', 'a\u001b[2Jb', 'a\u202eb', 'a\nb', 'a'.repeat(129)])(
    '%j does not',
    (name) => {
      expect(() => parsed('--account', name)).toThrow(/without a colon/);
    },
  );
});

describe('where orders go', () => {
  it('is the paper venue unless told otherwise', () => {
    expect(chosen([])).toEqual(['paper']);
    expect(chosen([], KEYS)).toEqual(['live-paper', 'binanceusdm', 'data']);
    expect(chosen(['--market', 'simulated'], KEYS)).toEqual(['paper']);
    expect(chosen(['--market', 'live', '--data-venue', 'bybit'])).toEqual(['live-paper', 'bybit', 'data']);
    expect(chosen(['--venue', 'binanceusdm', '--demo'], KEYS)).toEqual(['exchange', 'binanceusdm', 'demo']);
    expect(chosen(['--venue', 'binanceusdm', '--live', '--symbols', 'BTCUSDT'], KEYS)).toEqual([
      'exchange',
      'binanceusdm',
      'live',
    ]);
  });

  it.each([
    [['--venue', 'binanceusdm'], /say --demo for practice accounts, or --live/],
    [['--venue', 'binanceusdm', '--live'], /--live needs --symbols/],
    [['--live', '--symbols', 'BTCUSDT'], /--live goes with an exchange/],
    [['--demo'], /--demo goes with an exchange/],
    [['--venue', 'binanceusdm', '--demo', '--market', 'simulated'], /--market simulated is for the paper venue/],
  ])('%j is refused', (argv, why) => {
    expect(() => chosen(argv, KEYS)).toThrow(why);
    expect(() => chosen(argv, KEYS)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('needs keys where orders are sent', () => {
    expect(() => chosen(['--venue', 'binanceusdm', '--demo'])).toThrow(/HARVESTLINE_API_KEY: is missing/);
    expect(() => parsed('--demo', '--live')).toThrow(/cannot be used with/);
    expect(() => parsed('--symbols', 'BTCUSDT,')).toThrow(/Separate values by commas/);
    expect(() => parsed('--symbols', 'BTCUSDT ETHUSDT')).toThrow(/Separate market ids by commas/);
    expect(() => parsed('--max-notional', '0')).toThrow(/above 0/);
  });

  it('bounds what is done at an exchange', () => {
    const options = parsed('--venue', 'binanceusdm', '--demo', '--symbols', 'BTCUSDT,ETHUSDT', '--symbols', 'XRPUSDT');
    expect(venueLimits(options, chooseVenue(options, KEYS))).toEqual({
      maxOrderNotional: null,
      maxClosesPerMinute: 30,
      maxAtOnce: 8,
      order: { ...DEFAULT_TERMS, style: 'ioc' },
      leaveResting: false,
      symbols: new Set(['BTCUSDT', 'ETHUSDT', 'XRPUSDT']),
      ownVenueOnly: true,
    });
    const paper = parsed('--max-notional', '5000');
    expect(venueLimits(paper, chooseVenue(paper, {}))).toEqual({
      maxOrderNotional: 5000,
      maxClosesPerMinute: null,
      order: DEFAULT_TERMS,
      leaveResting: false,
      symbols: null,
      ownVenueOnly: false,
    });
  });

  it('sends orders as the desk says', () => {
    const words = ['--max-slippage-bps', '30', '--slices', '8', '--post-only-seconds', '5'];
    const options = parsed('--order', 'post_only', ...words);
    const order = { ...DEFAULT_TERMS, style: 'post_only', maxSlippageBps: 30, slices: 8, postOnlyMs: 5000 };
    expect(venueLimits(options, chooseVenue(options, {})).order).toEqual(order);
    expect(() => parsed('--order', 'limit')).toThrow(/Allowed choices are market, ioc, sliced, post_only/);
    expect(() => parsed('--max-slippage-bps', '0')).toThrow(/from 1 to 5000/);
    expect(() => parsed('--slices', '21')).toThrow(/from 1 to 20/);
    expect(() => parsed('--post-only-seconds', '0.5')).toThrow(/from 1 to 60/);
  });
});
