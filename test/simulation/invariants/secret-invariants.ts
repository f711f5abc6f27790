/** What has to be true of secrets. */
import { allTopicSpecs } from '../../../schemas/topics.ts';
import { MARK } from '../secrets.ts';
import type { Invariant } from './evidence.ts';

const MARK_BYTES = Buffer.from(MARK);

export const SECRET_INVARIANTS = [
  {
    name: 'no_secret_is_told',
    says: 'No key, secret, signature or address of a chat is in a record, a dead letter, a message, a log line or an error.',
    *breaches({ raw, messages, secretsSpoken }) {
      yield* secretsSpoken;
      for (const { name: topic } of allTopicSpecs()) {
        for (const { partition, offset, key, value, headers } of raw.records(topic).flat()) {
          const parts = [key, value, ...headers.map(([, header]) => header)];
          if (parts.some(holdsSecret)) yield `${topic}[${partition}]@${offset} holds a secret`;
        }
      }
      for (const { alert } of messages)
        if (JSON.stringify(alert).includes(MARK)) yield `a message of ${alert.name} holds a secret: ${alert.evidence}`;
    },
  },
] as const satisfies readonly Invariant[];

function holdsSecret(bytes: Uint8Array | null): boolean {
  if (bytes === null || bytes.length < MARK_BYTES.length) return false;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(MARK_BYTES);
}
