import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { IntentId, PositionId } from '../../schemas/generated/records.ts';
import { clientOrderIdOf, intentIdOf, positionIdOf, tradeIdOf } from '../../schemas/ids.ts';

/** What Binance USD-M accepts as newClientOrderId. */
const BINANCE_CLIENT_ORDER_ID = /^[.A-Z:/a-z0-9_-]{1,36}$/;

test('SCH-6: the ids of a position stay what they were in earlier releases', () => {
  const positionId = positionIdOf('desk-1', 'BTCUSDT', 'LONG', 1_770_000_000_000);
  const intentId = intentIdOf(positionId, 1_770_003_600_000);
  const clientOrderId = clientOrderIdOf(intentId);
  expect(positionId).toBe('desk-1:BTCUSDT:LONG:1770000000000');
  // The first 32 hex digits of: printf '["intent","desk-1:BTCUSDT:LONG:1770000000000",1770003600000]' | sha256sum
  expect(intentId).toBe('e2765f116c522008da079b963e64a8cf');
  expect(clientOrderId).toBe('hl-aa542b1de074f8593ed8a4dd150c82c6');
  expect(tradeIdOf(clientOrderId)).toBe('f824805ca69199563fc7349971df1394');
});

test('a client order id is one that the venue accepts, whatever the intent id is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(clientOrderIdOf(text as IntentId)).toMatch(BINANCE_CLIENT_ORDER_ID);
    }),
  );
});

test('different positions and times never share an intent id, even where their texts join to the same', () => {
  expect(intentIdOf('a:1' as PositionId, 23)).not.toBe(intentIdOf('a:12' as PositionId, 3));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.string(), fc.nat()), { selector: (pair) => JSON.stringify(pair) }),
      (pairs) => {
        const ids = pairs.map(([position, observedAt]) => intentIdOf(position as PositionId, observedAt));
        expect(new Set(ids).size).toBe(pairs.length);
      },
    ),
  );
});
