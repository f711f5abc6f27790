/** Where alerts are sent in a simulated world: it keeps what it took, and is away while a fault says so. */
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { AlertNotice, NotifyTarget } from '../../ports/notify.ts';
import type { DeskAlert } from '../../schemas/generated/records.ts';
import type { FaultBoard } from './faults.ts';
import type { Host } from './host.ts';

/** Longer than its slowest answer. Unit: milliseconds. */
const TIMEOUT_MS = 5000;

const NAME = 'pager';

export interface TakenMessage {
  readonly alert: DeskAlert;
  readonly reminder: number;
  readonly at: EpochMillis;
}

export class MessageTarget {
  readonly taken: TakenMessage[] = [];
  readonly #faults: FaultBoard;

  constructor(faults: FaultBoard) {
    this.#faults = faults;
  }

  /** As a process reaches it. */
  client(host: Host): NotifyTarget {
    return {
      name: NAME,
      send: ({ alert, reminder }: AlertNotice) =>
        host.call({
          port: 'target',
          operation: 'send',
          changes: true,
          fate: this.#faults.strikes('target_away', NAME) === null ? 'answered' : 'lost',
          timeoutMs: TIMEOUT_MS,
          unanswered: () => new HarvestlineError('NOTIFY_UNAVAILABLE', `${NAME} does not answer`),
          effect: () => void this.taken.push({ alert, reminder, at: host.kernel.now }),
        }),
    };
  }
}
