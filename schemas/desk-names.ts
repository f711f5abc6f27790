/**
 * The names of a desk's topics, subjects and groups where several desks share a Kafka.
 *
 * The program itself uses the names of the topic table. A desk that has a name puts it before each of them: `alpha` reads
 * `alpha.position.snapshot`, by the group `alpha.scoring`. A desk's name has no dot, so the two are never mistaken for each other.
 *
 * SCH-4  A name that already has the desk's prefix stays as it is, so coordinates from a record can be used unchanged.
 * SCH-5  Without a desk every name is the table's.
 */
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { deadLetterTopicOf, findTopic, isDeadLetterTopic } from './topics.ts';

/** No dot: it ends the desk's name. Short enough that every topic stays far below Kafka's 249 characters. */
const DESK = /^[A-Za-z0-9_-]{1,64}$/;

export class DeskNames {
  readonly desk: string | null;
  readonly #prefix: string;
  readonly #topics = new Map<string, string>();

  /** Null or empty: the desk without a name. Throws USAGE for a name that no topic can have. */
  constructor(desk: string | null = null) {
    if (desk !== null && desk !== '' && !DESK.test(desk)) {
      const rule = "a desk's name has up to 64 letters, digits, - and _";
      throw new HarvestlineError('USAGE', `--desk ${JSON.stringify(desk)}: ${rule}`);
    }
    this.desk = desk === '' ? null : desk;
    this.#prefix = this.desk === null ? '' : `${this.desk}.`;
  }

  /** The topic's name in the broker. SCH-4. */
  topic(name: string): string {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = !isInTable(name) && name.startsWith(this.#prefix) ? name : this.#prefix + name;
      this.#topics.set(name, topic);
    }
    return topic;
  }

  /** The name in the table of a topic of this desk in the broker; any other stays as it is. */
  inTable(topic: string): string {
    return !isInTable(topic) && topic.startsWith(this.#prefix) ? topic.slice(this.#prefix.length) : topic;
  }

  subject(name: string): string {
    return this.#prefix + name;
  }

  group(name: string): string {
    return this.#prefix + name;
  }

  /** A file or a lock in the data folder, which several desks may share. */
  local(name: string): string {
    return this.#prefix + name;
  }
}

/** The table's name of a topic of any desk, such as a record names. A topic that is not in the table keeps its name. */
export function tableNameOf(topic: string): string {
  const name = new DeskNames(deskOf(topic)).inTable(topic);
  return isInTable(name) ? name : topic;
}

/** The broker's name of the table's topic `name`, on the desk that `topic` belongs to. */
export function topicBeside(topic: string, name: string): string {
  return new DeskNames(isInTable(topic) ? null : deskOf(topic)).topic(name);
}

/** The desk's name in front of the first dot; null where no desk can have that name. */
function deskOf(topic: string): string | null {
  const desk = topic.slice(0, Math.max(0, topic.indexOf('.')));
  return DESK.test(desk) ? desk : null;
}

function isInTable(name: string): boolean {
  const source = isDeadLetterTopic(name) ? name.slice(0, -deadLetterTopicOf('').length) : name;
  return findTopic(source) !== undefined;
}
