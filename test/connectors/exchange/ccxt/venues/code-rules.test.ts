import { describe, expect, it } from 'vitest';
import { ruleFor } from '../../../../../connectors/exchange/ccxt/venues/code-rules.ts';
import { BINANCE } from '../../../../../connectors/exchange/ccxt/venues/binance.ts';

describe('what an answer means for an order', () => {
  it.each([
    // status, code of the body -> meaning, attempts in all
    [400, '-2022', 'rejected', 1],
    [400, '-4164', 'rejected', 1],
    [400, '-1111', 'rejected', 1],
    [400, '-2019', 'rejected', 1],
    [400, '-4061', 'retry', 2],
    [401, '-2015', 'rejected', 1],
    [400, '-4116', 'unknown', 1],
    [408, '-1007', 'unknown', 1],
    [503, '-1007', 'unknown', 1],
    [400, '-1006', 'unknown', 1],
    [400, '-1021', 'resync', 2],
    [429, '-1003', 'retry', 3],
    [429, null, 'retry', 3],
    [418, null, 'retry', 3],
    [503, '-1008', 'retry', 3],
    [500, null, 'unknown', 1],
    [502, null, 'unknown', 1],
    [503, null, 'unknown', 1],
    [504, '-1', 'unknown', 1],
    [408, null, 'unknown', 1],
    // A code in the body of a 200, as at some exchanges.
    [200, '110017', 'rejected', 1],
    // Neither code nor status is known.
    [200, null, 'unknown', 1],
    [400, null, 'unknown', 1],
    [403, null, 'rejected', 1],
  ] as const)('%i %s: %s, sent at most %i times', (status, code, meaning, attempts) => {
    expect(ruleFor(BINANCE.codes, { status, code, ccxtClass: null })).toMatchObject({ meaning, attempts });
  });

  it.each([
    ['-1111', 'rules'],
    ['-4005', 'rules'],
    ['-1121', 'rules'],
    ['-4061', 'mode'],
    // Rules and mode are as they were.
    ['-4118', undefined],
    ['-4131', undefined],
    ['-2022', undefined],
  ])('%s says that %s is outdated', (code, outdated) => {
    expect(ruleFor(BINANCE.codes, { status: 400, code, ccxtClass: null }).outdated).toBe(outdated);
  });
});
