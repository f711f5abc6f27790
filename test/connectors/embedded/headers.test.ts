import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeaders, encodeHeaders } from '../../../connectors/embedded/database.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { thrownBy } from '../../fixtures/thrown-by.ts';

const HEADERS = fc.array(
  fc.tuple(fc.string({ maxLength: 4 }), fc.option(fc.uint8Array({ maxLength: 6 }), { nil: null })),
  { maxLength: 4 },
);

const plain = (headers: ReturnType<typeof decodeHeaders>): unknown =>
  headers.map(([name, value]) => [name, value === null ? null : [...value]]);

describe('headers in a BLOB', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(HEADERS, (headers) => {
        expect(plain(decodeHeaders(encodeHeaders(headers)))).toEqual(plain(headers));
      }),
    );
  });

  it.each([
    ['a length that goes back', [0xff, 0xff, 0xff, 0xfc]],
    ['a length beyond the end', [0, 0, 0, 5, 0x61]],
    ['the greatest length', [0x7f, 0xff, 0xff, 0xff, 0x61]],
    ['no name', [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    ['no value', [0, 0, 0, 1, 0x61]],
    ['bytes left over', [0, 0, 0, 1, 0x61, 0, 0, 0, 0, 7]],
  ])('%s is damage', (_, bytes) => {
    expect(thrownBy(() => decodeHeaders(Buffer.from(bytes)))).toBeInstanceOf(RangeError);
  });

  it('any bytes at all end, in headers that encode to the same length or in damage', () => {
    const hit = countedBranches({ headers: 20, damage: 100 });
    const changed = fc
      .tuple(HEADERS, fc.array(fc.tuple(fc.nat(60), fc.constantFrom(0, 1, 2, 4, 0x7f, 0xfc, 0xff)), { maxLength: 3 }))
      .map(([headers, changes]) => {
        const bytes = Buffer.from(encodeHeaders(headers));
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), changed), (bytes) => {
        try {
          const headers = decodeHeaders(bytes);
          hit('headers');
          // A name that is not UTF-8 is read with U+FFFD, which is longer.
          expect(encodeHeaders(headers).length).toBeGreaterThanOrEqual(bytes.length);
        } catch (thrown) {
          if (!(thrown instanceof RangeError)) throw thrown;
          hit('damage');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
