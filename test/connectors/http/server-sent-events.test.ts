import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { STREAM_BEAT, STREAM_HEAD, eventFrame } from '../../../connectors/http/server-sent-events.ts';
import { EventReader } from './read-events.ts';

/** Text with everything that the format could take for its own. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\n', '\r', '\r\n', ':', ' ', 'data: ', 'id: 9', '\u2028', '\u0085', '\0', '🦀'),
    fc.string(),
  ),
});

it('what is framed is what is read, whatever the text and wherever the connection cuts it', () => {
  fc.assert(
    fc.property(
      fc.array(hostile, { minLength: 1 }),
      fc.array(fc.nat({ max: 40 }), { minLength: 1 }),
      (texts, sizes) => {
        const sent = texts.map((data, id) => ({ id, event: id === 0 ? 'state' : 'change', data }));
        const whole = STREAM_HEAD + sent.map((event) => eventFrame(event) + STREAM_BEAT).join('');
        const reader = new EventReader();
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const size = 1 + (sizes[turn % sizes.length] ?? 0);
          reader.feed(whole.slice(at, at + size));
          at += size;
        }
        expect(reader.events).toEqual(
          sent.map(({ id, event, data }) => ({ id: String(id), event, data: data.replaceAll(/\r\n|\r/g, '\n') })),
        );
      },
    ),
  );
});

it('JSON comes back as it was: it has no line breaks of its own', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(), (value, id) => {
      const reader = new EventReader();
      reader.feed(eventFrame({ id, event: 'change', data: JSON.stringify(value) }));
      expect(reader.events.map(({ data }) => data)).toEqual([JSON.stringify(value)]);
    }),
  );
});
