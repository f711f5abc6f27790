/**
 * Decodes each record once for all processes of a world. Each process of a desk decodes what it reads, some records five times over, and all
 * come to the same.
 *
 * SIM-63  What processes share is frozen: none could change it for the others.
 */
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { WrittenRecord } from '../../schemas/wire-format.ts';

/** Enough for the whole log of a large world, which each process that starts reads again. Up to twice as many are kept. Unit: records. */
const KEPT = 300_000;

type Decoded = RecordByTopic[TopicName];

/** The same codec. */
export function decodingOnce(codec: RecordCodec): RecordCodec {
  const decodeAnew = codec.decode.bind(codec);
  let recent = new Map<WrittenRecord, Decoded>();
  let before = new Map<WrittenRecord, Decoded>();
  const decode = <N extends TopicName>(topic: N, at: WrittenRecord): RecordByTopic[N] => {
    const known = recent.get(at) ?? before.get(at);
    // A record lies on one topic.
    if (known !== undefined) return known as RecordByTopic[N];
    const record = frozen(decodeAnew(topic, at));
    if (recent.size >= KEPT) [recent, before] = [new Map(), recent];
    recent.set(at, record);
    return record;
  };
  return Object.assign(codec, {
    decode,
    decoderOf:
      <N extends TopicName>(topic: N) =>
      (at: WrittenRecord): RecordByTopic[N] =>
        decode(topic, at),
  });
}

/** SIM-63. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
