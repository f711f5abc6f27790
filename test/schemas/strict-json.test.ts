import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HarvestlineError, formatProblems } from '../../errors/harvestline-error.ts';
import { checkedJson, parseJson, parseJsonBytes, whyNotUtf8 } from '../../schemas/strict-json.ts';
import { countedBranches } from '../fixtures/counted-branches.ts';
import { thrownBy } from '../fixtures/thrown-by.ts';

const problemsOf = (text: string): string => formatProblems(parseJson(text).problems);

describe('SCH-20: a key that comes twice', () => {
  it.each([
    ['{"a":1,"a":2}', 'a: comes twice in its object'],
    ['{"a":1, "a" : 1, "a":1}', 'a: comes twice in its object'],
    [
      '{"a":{"b":[0,{"c":1,"c":1}]},"d":":","d":1}',
      'a.b[1].c: comes twice in its object; d: comes twice in its object',
    ],
    // Equal in what they say, not in how they are written.
    [String.raw`{"a":1,"\u0061":2}`, 'a: comes twice in its object'],
    // A value with an escaped colon must not make up for the colon of the key that was lost.
    [String.raw`{"a":1,"a":2,"b":"\u003a"}`, 'a: comes twice in its object'],
    ['{"__proto__":1,"__proto__":2}', '__proto__: comes twice in its object'],
    ['{"a":NaN,"a":1}', '(root): is not JSON: NaN; an unknown number is null; a: comes twice in its object'],
    ['{"a:":1,"a:":2}', 'a:: comes twice in its object'],
    ['[{"":1,"":2}]', '[0].: comes twice in its object'],
  ])('%s', (text, expected) => {
    expect(problemsOf(text)).toBe(expected);
  });

  it.each(['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}', '{"a:":1,"b":"a:\\":"}', '"a:a:"', '[]', '{"a":"\\\\"}', '7'])(
    'is not in %s',
    (text) => {
      expect(parseJson(text)).toEqual({ value: JSON.parse(text), problems: [] });
    },
  );

  it('is found in whatever text, and nowhere else', () => {
    const key = fc.oneof(fc.constantFrom('a', 'b', ':', '"', '\\', '{', '__proto__', 'é'), fc.string({ maxLength: 3 }));
    const { value } = fc.letrec<{ value: unknown; object: Entries; leaf: unknown }>((tie) => ({
      leaf: fc.oneof(key, fc.integer(), fc.constant(null)),
      object: fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => new Entries(entries)),
      value: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('object'), fc.array(tie('value'), { maxLength: 3 })),
    }));
    const style = fc.record({ space: fc.constantFrom('', ' ', '\n\t'), escape: fc.boolean() });
    const hit = countedBranches({ doubled: 100, none: 100 });
    fc.assert(
      fc.property(value, style, (written, { space, escape }) => {
        const found = parseJson(textOf(written, space, escape)).problems.length > 0;
        hit(found ? 'doubled' : 'none');
        expect(found).toBe(hasDoubled(written));
      }),
      { numRuns: 2000 },
    );
  });

  it('SCH-22: names the first, counts the others, and cuts a long key', () => {
    const many = `{${Array.from({ length: 60 }, (_, at) => `"k${at % 30}":1`).join()}}`;
    const problems = problemsOf(many).split('; ');
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)).toBe('(root): has 10 more keys that come twice');
    const long = 'x'.repeat(100_000);
    expect(problemsOf(`{"${long}":1,"${long}":1}`)).toBe(`${'x'.repeat(80)}…: comes twice in its object`);
  });
});

describe('SCH-21: bytes that are no UTF-8', () => {
  it.each([
    [[0x22, 0xff, 0x22], 'byte 0xff at position 1'],
    // Cut in the middle of a character, at the end and before another.
    [[0x22, 0xe2, 0x82], 'byte 0xe2 at position 1'],
    [[0xc3, 0x22], 'byte 0xc3 at position 0'],
    // A U+FFFD that somebody wrote is a character like others.
    [[0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd, 0xc0, 0x80], 'byte 0xc0 at position 6'],
    // A surrogate, and a character behind one of four bytes.
    [[0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0x80], 'byte 0xed at position 4'],
  ])('%j: %s', (bytes, expected) => {
    expect(whyNotUtf8(Buffer.from(bytes))).toBe(`is not UTF-8: ${expected}`);
    expect(thrownBy(() => parseJsonBytes(Buffer.from(bytes)))).toMatchObject({ code: 'JSON_INVALID' });
  });

  it('are found wherever one is changed in good text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\uFFFD'), maxLength: 20 }),
        fc.nat(20),
        (text, at) => {
          const good = Buffer.from(text);
          expect(whyNotUtf8(good)).toBeNull();
          // A character's start, wherever there is one behind.
          const place = Buffer.byteLength(Array.from(text).slice(0, at).join(''));
          const broken = Buffer.concat([good.subarray(0, place), Buffer.from([0xff]), good.subarray(place)]);
          expect(whyNotUtf8(broken)).toBe(`is not UTF-8: byte 0xff at position ${place}`);
        },
      ),
    );
  });
});

describe('SCH-22: a megabyte that is no JSON is refused', () => {
  it.each([
    ['backslash and quotation mark', String.raw`\"`],
    ['quotation mark', '"'],
    ['NaN', 'NaN '],
    ['string after string', '"a" '],
    ['unclosed', '{"a":"\\'],
    ['open bracket', '['],
    ['open object', '{"a":'],
    ['minus', '-'],
  ])('%s', (_, unit) => {
    const text = unit.repeat(1_000_000 / unit.length);
    expect(thrownBy(() => parseJson(text))).toMatchObject({
      code: 'JSON_INVALID',
      message: expect.stringMatching(/^is not JSON: .{1,200}$/s),
    });
  });

  it('nested deeper than any record', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(thrownBy(() => parseJson(deep))).toMatchObject({ message: 'is nested more than 50 deep' });
    expect(parseJson(`${'['.repeat(50)}${']'.repeat(50)}`).problems).toEqual([]);
  });
});

describe('a file', () => {
  const check = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null && 'good' in value) return value;
    throw new HarvestlineError('POLICY_INVALID', 'f: good: is missing', {
      problems: [{ path: 'good', why: 'is missing' }],
    });
  };
  const checked = (text: string): unknown => checkedJson('POLICY_INVALID', 'f', Buffer.from(text), check);

  it('with all that is wrong at once', () => {
    expect(checked('\uFEFF{"good":1}')).toEqual({ good: 1 });
    expect(thrownBy(() => checked('{"a":1,"a":2}'))).toMatchObject({
      code: 'POLICY_INVALID',
      message: 'f: a: comes twice in its object; good: is missing',
      at: { file: 'f' },
    });
    expect(thrownBy(() => checked('{"good":1,"good":2}'))).toMatchObject({ problems: [{ path: 'good' }] });
    expect(thrownBy(() => checked('{'))).toMatchObject({
      code: 'POLICY_INVALID',
      message: expect.stringMatching(/^f: is not JSON: /),
    });
  });
});

/** An object as written. */
class Entries {
  readonly list: readonly (readonly [string, unknown])[];

  constructor(list: readonly (readonly [string, unknown])[]) {
    this.list = list;
  }
}

function textOf(value: unknown, space: string, escape: boolean): string {
  if (value instanceof Entries) {
    const entries = value.list.map(
      ([key, of]) => `${space}${quoted(key, escape)}${space}:${space}${textOf(of, space, escape)}`,
    );
    return `{${entries.join(`${space},`)}${space}}`;
  }
  if (Array.isArray(value)) return `[${space}${value.map((item) => textOf(item, space, escape)).join(`,${space}`)}]`;
  return typeof value === 'string' ? quoted(value, escape) : JSON.stringify(value);
}

function quoted(text: string, escape: boolean): string {
  if (!escape) return JSON.stringify(text);
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => String.raw`\u${unit}`).join('')}"`;
}

function hasDoubled(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasDoubled);
  if (!(value instanceof Entries)) return false;
  return (
    new Set(value.list.map(([key]) => key)).size < value.list.length || value.list.some(([, of]) => hasDoubled(of))
  );
}
