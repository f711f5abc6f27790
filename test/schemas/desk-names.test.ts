import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeskNames, tableNameOf, topicBeside } from '../../schemas/desk-names.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';

/** Some are words that topics begin with. */
const desks = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  fc.constantFrom('position', 'harvest', 'desk', 'dlq', 'alpha'),
);
const names = fc.constantFrom(...allTopicSpecs().map(({ name }) => name));

describe("a desk's names", () => {
  it('stand before those of the table, and are recognised again, whatever the desk is called', () => {
    fc.assert(
      fc.property(desks, names, (desk, name) => {
        const own = new DeskNames(desk);
        expect(own.topic(name)).toBe(`${desk}.${name}`);
        // SCH-4.
        expect(own.topic(own.topic(name))).toBe(`${desk}.${name}`);
        expect(own.inTable(own.topic(name))).toBe(name);
        expect(own.inTable(name)).toBe(name);
        expect(tableNameOf(own.topic(name))).toBe(name);
        expect(topicBeside(own.topic(name), 'position.snapshot')).toBe(`${desk}.position.snapshot`);
      }),
    );
  });

  it('are two for two desks: no topic of one is taken for one of the other', () => {
    fc.assert(
      fc.property(desks, desks, names, (one, other, name) => {
        fc.pre(one !== other);
        const foreign = new DeskNames(other).topic(name);
        expect(new DeskNames(one).inTable(foreign)).toBe(foreign);
      }),
    );
  });

  it('SCH-5: are the table’s without a desk, and with an empty variable', () => {
    for (const desk of [undefined, null, '']) {
      const own = new DeskNames(desk);
      expect([own.desk, own.topic('trade.closed'), own.subject('s'), own.group('g')]).toEqual([
        null,
        'trade.closed',
        's',
        'g',
      ]);
    }
    expect(tableNameOf('trade.closed')).toBe('trade.closed');
    expect(tableNameOf('somebody.elses.topic')).toBe('somebody.elses.topic');
    expect(topicBeside('harvest.intent', 'position.snapshot')).toBe('position.snapshot');
  });

  it.each(['a.b', 'a b', 'ä', 'x'.repeat(65), '*'])('refuses %j', (desk) => {
    expect(() => new DeskNames(desk)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
