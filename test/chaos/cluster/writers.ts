import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Kafka, type Producer, logLevel } from 'kafkajs';
import type { OutgoingRecord } from '../../../ports/event-log.ts';
import { JARS_CACHE, provideJars, findJava } from '../../../tools/kafka/java-tools.ts';

const PROGRAM = fileURLToPath(new URL('ForeignProducer.java', import.meta.url));

/** How much of the end of its output an error quotes. Unit: characters. */
const LAST_WORDS = 2000;

/** A foreign client: Kafka's own idempotent producer, acks=all, as a process (ForeignProducer.java). One append at a time. Needs a JDK. */
export class JavaWriter {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #said = '';

  constructor(brokers: readonly string[], topic: string) {
    const { kafkaClassPath } = provideJars(JARS_CACHE, () => undefined);
    const args = ['-XX:TieredStopAtLevel=1', '-cp', kafkaClassPath, PROGRAM, brokers.join(','), topic];
    const child = spawn(findJava(), args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process = child;
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-LAST_WORDS);
    });
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when all of it is acknowledged. */
  async append(records: readonly OutgoingRecord[]): Promise<void> {
    const lines = records.map(
      ({ key, value, timestamp }) =>
        `${Buffer.from(key ?? []).toString('base64')} ${Buffer.from(value ?? []).toString('base64')} ${timestamp}\n`,
    );
    this.#process.stdin?.write(`${lines.join('')}\n`);
    const { done, value } = await this.#answers.next();
    if (done === true || value !== 'ok') throw new Error(`the foreign producer has ended: …${this.#said}`);
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/**
 * kafkajs's own idempotent producer, acks=all. An append resolves when kafkajs says that all of it is written, which it says although it
 * left some out (kafkajs#1303).
 */
export class KafkajsWriter {
  readonly #kafka: Kafka;
  #producer: Promise<Producer> | null = null;

  constructor(brokers: string[]) {
    this.#kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  }

  /** Repeats the append until kafkajs reports it as written, because kafkajs gives up after some attempts. */
  async append(records: readonly OutgoingRecord[]): Promise<void> {
    const [first] = records;
    if (first === undefined) return;
    const messages = records.map(({ key, value, timestamp }) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp: String(timestamp),
    }));
    for (;;) {
      const producer = (this.#producer ??= this.#open());
      try {
        await (await producer).send({ topic: first.topic, acks: -1, messages });
        return;
      } catch {
        // A new producer: the broker may no longer know the sequence numbers of this one.
        if (this.#producer !== producer) continue;
        this.#producer = null;
        await producer.then((old) => old.disconnect()).catch(() => {});
      }
    }
  }

  async close(): Promise<void> {
    await (await this.#producer)?.disconnect();
  }

  async #open(): Promise<Producer> {
    const producer = this.#kafka.producer({ idempotent: true, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }
}
