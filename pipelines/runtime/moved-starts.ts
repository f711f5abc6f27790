import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Append, MovedStart, OutgoingRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import { neverReadLetter } from './dead-letter.ts';
import { NO_OBSERVER, type ProcessorObserver } from './observer.ts';
import type { Processor } from './processor.ts';

export interface MovedStartsOptions {
  readonly processor: Processor;
  readonly group?: string;
  readonly clock: Clock;
  /** Under dev the market's, by which its log ages. */
  readonly liveClock?: Clock;
  readonly logger: Logger;
  readonly observer?: ProcessorObserver;
}

/**
 * Says where a processor's group cannot go on from what it had committed.
 * MS1  What retention removed unread has a letter on the topic's dead-letter topic before the group goes on: the alert, the figures of
 *      `status` and the closing of it by a person rest on that. A topic that is only observed has none: its dead-letter topic is another
 *      processor's, and nothing was to be done about its records.
 * MS2  A stretch is said once in the life of a process, also where the log has to be told again.
 */
export class MovedStarts {
  readonly #options: MovedStartsOptions;
  readonly #said = new Set<string>();

  constructor(options: MovedStartsOptions) {
    this.#options = options;
  }

  async say(moved: readonly MovedStart[], append: Append): Promise<void> {
    const { processor, clock, liveClock } = this.#options;
    const group = this.#options.group ?? processor.name;
    const letters: OutgoingRecord[] = [];
    for (const start of moved) {
      const { topic, from, why } = start;
      if (why === 'made_anew' || from === null) {
        this.#tell(start, madeAnew(start, group));
        continue;
      }
      const { letter, error } = neverReadLetter(start, from, group, (liveClock ?? clock).now());
      if (this.#tell(start, error)) (this.#options.observer ?? NO_OBSERVER).neverRead(topic, start.to - from);
      if (processor.inputs.some(({ name }) => name === topic)) letters.push(letter);
    }
    if (letters.length > 0) await append(letters);
  }

  /** False where it was said before (MS2). */
  #tell({ topic, partition, from, to }: MovedStart, { code, remedy, message }: HarvestlineError): boolean {
    const { processor, group = processor.name, logger } = this.#options;
    const stretch = JSON.stringify([topic, partition, from, to]);
    if (this.#said.has(stretch)) return false;
    this.#said.add(stretch);
    const count = code === 'RECORDS_NEVER_READ' && from !== null ? to - from : undefined;
    logger.error({ processor: processor.name, group, topic, partition, from, to, count, code, remedy }, message);
    return true;
  }
}

function madeAnew({ topic, partition, from, to }: MovedStart, group: string): HarvestlineError {
  const stood = from === null ? 'its offsets are gone, too' : `the group stood at offset ${from}`;
  return new HarvestlineError(
    'TOPIC_MADE_ANEW',
    `${topic}[${partition}] was made anew: ${stood}, and ${group} reads it from its beginning, offset ${to}`,
    { at: { topic, partition } },
  );
}
