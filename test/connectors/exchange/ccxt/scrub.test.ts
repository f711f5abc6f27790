import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { scrubber } from '../../../../connectors/exchange/ccxt/scrub.ts';

it('takes secrets, queries and signatures out of what others wrote', () => {
  const scrub = scrubber(['the-key', 'the+secret', '']);
  expect(scrub('POST https://fapi.example/fapi/v1/order?symbol=X&signature=abc failed')).toBe(
    'POST https://fapi.example/fapi/v1/order?[hidden] failed',
  );
  expect(scrub('bad the+secret, bad the%2Bsecret, bad the-key')).toBe('bad [hidden], bad [hidden], bad [hidden]');
  expect(scrub('{"signature": "00ff"}')).toBe('{"signature": "[hidden]"}');
  expect(scrub('nothing to hide')).toBe('nothing to hide');
});

it('leaves no secret in any text', () => {
  const secrets = fc.stringMatching(/^[A-Za-z0-9]{16,64}$/);
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
      expect(scrubber([secret])(`${before}${secret}${after}`)).not.toContain(secret);
    }),
  );
});
