import { expect, test } from 'vitest';
import { SymbolSpellings } from '../../../pipelines/clm/symbol-spellings.ts';

function read(spelling: string, known: readonly string[] = [], map: Readonly<Record<string, string>> = {}): string {
  return new SymbolSpellings(new Map(Object.entries(map)), known).symbolOf(spelling);
}

test.each(['BTCUSDT', 'btcusdt', 'BTC/USDT:USDT', 'BTC/USDT', 'BTC-USDT', 'btc_usdt'])('%s is BTCUSDT', (spelling) => {
  expect(read(spelling)).toBe('BTCUSDT');
});

test.each([
  'BTC/USDT:USDT-260327',
  'BTC-USDT-SWAP',
  'PF_XBTUSD',
  'BTCUSDT_260327',
  'kPEPE',
  'COLLECT',
  'A',
  'BTC-PERPETUAL',
])('CLM-28: %s stays as it is', (spelling) => {
  expect(read(spelling)).toBe(spelling);
});

test('CLM-27: a symbol that the record has stays, and others of its market become it', () => {
  expect(read('BTC-USDT', ['BTC-USDT', 'BTCUSDT'])).toBe('BTC-USDT');
  expect(read('btcusdt', ['BTC-USDT'])).toBe('BTC-USDT');
  expect(read('BTC/USDT:USDT', ['BTC-USDT', 'BTCUSDT'])).toBe('BTCUSDT');
  expect(read('btcusdt', ['BTC-USDT', 'BTC_USDT'])).toBe('btcusdt');
});

test('CLM-26: a map goes before, and names markets by their other spellings too', () => {
  const okx = { 'BTC/USDT:USDT': 'BTC-USDT-SWAP' };
  expect(read('BTC/USDT:USDT', ['BTCUSDT'], okx)).toBe('BTC-USDT-SWAP');
  expect(read('btcusdt', [], okx)).toBe('BTC-USDT-SWAP');
  expect(read('XBT', [], { XBT: 'BTCUSDT' })).toBe('BTCUSDT');
});
