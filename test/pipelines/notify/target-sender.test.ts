import { describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { DueMessage } from '../../../pipelines/notify/due.ts';
import { TargetSender } from '../../../pipelines/notify/target-sender.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { NO_METRICS } from '../../../ports/metrics.ts';
import type { AlertId, DeskAlert } from '../../../schemas/generated/records.ts';

const signal = new AbortController().signal;

function message(id: string, over: Partial<DeskAlert> = {}): DueMessage {
  return {
    target: 'ops',
    reminder: 0,
    alert: {
      alert_id: id as AlertId,
      name: 'halted',
      scope: 'desk',
      severity: 'CRITICAL',
      state: 'RAISED',
      since: 0,
      at: 0,
      evidence: 'e',
      command: 'c',
      ...over,
    },
  };
}

/** A clock that only the test moves: nothing that waits for it goes on by itself. */
class StillClock extends VirtualClock {
  override sleep(_ms: number, stop?: AbortSignal): Promise<void> {
    return new Promise((resolve) => stop?.addEventListener('abort', () => resolve(), { once: true }));
  }
}

function senderTo(answer: (id: string) => Promise<void>, onTaken: () => Promise<void> = () => Promise.resolve()) {
  const clock = new StillClock(0);
  const asked: string[] = [];
  const target = {
    name: 'ops',
    send: ({ alert: { alert_id: id } }: { readonly alert: DeskAlert }) => {
      asked.push(id);
      return answer(id);
    },
  };
  const sender = new TargetSender({ target, desk: null, clock, onTaken, logger: SILENT_LOGGER, metrics: NO_METRICS });
  const offer = async (...due: readonly DueMessage[]): Promise<readonly string[]> => {
    asked.length = 0;
    sender.offer(due, signal);
    await sender.idle();
    return [...asked];
  };
  return { clock, sender, offer };
}

const unavailable = () => Promise.reject(new HarvestlineError('NOTIFY_UNAVAILABLE', 'ops: down'));
const refused = () => Promise.reject(new HarvestlineError('NOTIFY_REFUSED', 'ops: answered 400'));

describe('a sender', () => {
  it('sends what is due one after the other, in order', async () => {
    const { offer } = senderTo(() => Promise.resolve());
    expect(await offer(message('a'), message('b'))).toEqual(['a', 'b']);
  });

  it('waits longer after each failure, up to a minute, and fails since the first (NTF-11)', async () => {
    const { clock, sender, offer } = senderTo(unavailable);
    const tries: number[] = [];
    for (let second = 0; second <= 300; second++) {
      clock.set(second * 1000);
      if ((await offer(message('a'), message('b'))).length > 0) tries.push(second);
    }
    expect(tries).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    expect(sender.failing()).toEqual({ since: 0, why: 'ops: down' });
  });

  it('lets others pass a message that is refused (NTF-11)', async () => {
    const { clock, sender, offer } = senderTo((id) => (id === 'a' ? refused() : Promise.resolve()));
    expect(await offer(message('a'), message('b'))).toEqual(['a', 'b']);
    expect(sender.failing()).toMatchObject({ since: 0 });
    clock.set(500);
    expect(await offer(message('a'), message('c'))).toEqual(['c']);
    expect(await offer()).toEqual([]);
    expect(sender.failing()).toBeNull();
  });

  it('is well again once a message was taken', async () => {
    let isUp = false;
    const { clock, sender, offer } = senderTo(() => (isUp ? Promise.resolve() : unavailable()));
    await offer(message('a'));
    isUp = true;
    clock.set(1000);
    expect(await offer(message('a'))).toEqual(['a']);
    expect(sender.failing()).toBeNull();
  });

  it('sends no message twice that was offered again while it was on its way, or whose record fails (NTF-12)', async () => {
    const answers: (() => void)[] = [];
    const { sender, offer } = senderTo(
      () => new Promise((resolve) => answers.push(resolve)),
      () => Promise.reject(new Error('the log is away')),
    );
    const first = offer(message('a'));
    sender.offer([message('a')], signal);
    answers[0]?.();
    expect(await first).toEqual(['a']);
  });
});
