/** Where alerts are sent in a simulated world: it keeps what it took, and is away while a fault says so. */
import { noAnswer, notTaken } from '../../connectors/notify/post.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { AlertNotice, NotifyTarget } from '../../ports/notify.ts';
import type { DeskAlert } from '../../schemas/generated/records.ts';
import type { FaultBoard } from './faults.ts';
import type { Host } from './host.ts';
import { failedMessage, pageOfProxy } from './secrets.ts';

/** Longer than its slowest answer. Unit: milliseconds. */
const TIMEOUT_MS = 5000;

const NAME = 'pager';

const BAD_GATEWAY = 502;

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
      send: ({ alert, reminder }: AlertNotice) => {
        const away = this.#faults.strikes('target_away', NAME);
        // Away, it does not answer, or a proxy answers for it: both name the address.
        const isProxied = away !== null && away.much < 0.5;
        return host.call({
          port: 'target',
          operation: 'send',
          changes: true,
          fate: away === null || isProxied ? 'answered' : 'lost',
          timeoutMs: TIMEOUT_MS,
          unanswered: () => noAnswer(NAME, failedMessage()),
          effect: () => {
            if (isProxied) throw notTaken(NAME, BAD_GATEWAY, pageOfProxy());
            this.taken.push({ alert, reminder, at: host.kernel.now });
          },
        });
      },
    };
  }
}
