import { beforeEach, describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Write } from '../../../pipelines/runtime/processor.ts';
import type { Exchange, Placement } from '../../../ports/exchange.ts';
import { type KillSwitch, NEVER_HALTED, WithheldOrder } from '../../../ports/kill-switch.ts';
import { anIntent } from '../../fixtures/an-intent.ts';
import { venueOrder } from '../../fixtures/scripted-exchange.ts';
import { DeskOfTests } from './desk-of-tests.ts';

const FILLED: Placement = { kind: 'accepted', order: venueOrder() };
const SENT_AND_FILLED = ['SUBMITTED ORDER_SENT', 'FILLED FILLED'];

let desk: DeskOfTests;
/** Happens once the order is with the venue's client, and before its gate is asked. */
let beforeTheGate: () => void;
/** Happens while the gate asks the kill switch. */
let withinTheGate: () => void;
let writes: number[];
/** The group gave the partition to another process. */
let isLost: boolean;

beforeEach(async () => {
  desk = await DeskOfTests.open();
  desk.exchange.placements = [FILLED];
  beforeTheGate = withinTheGate = () => {};
  writes = [];
  isLost = false;
});

const pause = (ms: number): void => desk.clock.set(desk.clock.now() + ms);

const write: Write = async (records) => {
  writes.push(records.length);
  if (isLost) throw new HarvestlineError('MEMBERSHIP_LOST', 'execution goes on without this member');
  await desk.log.append(records);
};

async function work(): Promise<void> {
  const { exchange } = desk;
  const send = exchange.place.bind(exchange);
  const place: Exchange['place'] = async (request, gate) => {
    beforeTheGate();
    try {
      return await gate(() => send(request));
    } catch (thrown) {
      if (!(thrown instanceof WithheldOrder)) throw thrown;
      return { kind: 'withheld', stop: thrown.stop, message: thrown.message };
    }
  };
  const killSwitch: KillSwitch = {
    ...NEVER_HALTED,
    gate: () => async (order) => {
      withinTheGate();
      return order();
    },
  };
  const processor = await desk.execution({ exchange: Object.assign(exchange, { place }), killSwitch });
  await processor.process([desk.log.addIntent(anIntent())], write);
}

describe('EXE-52: an order goes only where nobody else works its partition', () => {
  it('the write of its announcement says so', async () => {
    beforeTheGate = () => pause(2000);
    await work();
    expect(desk.outcomes).toEqual(SENT_AND_FILLED);
    expect(writes).toEqual([1, 2]);
  });

  it('after a pause between announcement and sending the log is asked', async () => {
    beforeTheGate = () => pause(9000);
    await work();
    expect(desk.outcomes).toEqual(SENT_AND_FILLED);
    expect(writes).toEqual([1, 0, 2]);
  });

  it('and where the group went on, nothing is sent, and nothing recorded', async () => {
    beforeTheGate = () => {
      pause(56_000);
      isLost = true;
    };
    await expect(work()).rejects.toMatchObject({ code: 'MEMBERSHIP_LOST' });
    expect(desk.exchange.sent).toEqual([]);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT']);
  });

  it('where the word has grown old within the gate, the order is kept back', async () => {
    withinTheGate = () => pause(2001);
    await work();
    expect(desk.exchange.sent).toEqual([]);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'REJECTED NOT_PLACED']);
    expect(desk.log.reports.at(-1)?.detail).toContain('no other process works this partition');
  });

  it('also where the clock was set back', async () => {
    withinTheGate = () => pause(-1);
    await work();
    expect(desk.exchange.sent).toEqual([]);
  });
});
