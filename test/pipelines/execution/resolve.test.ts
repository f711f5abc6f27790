import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookUpUntilEnded } from '../../../pipelines/execution/resolve.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { LookUp } from '../../../ports/exchange.ts';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import { ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';

const ABSENT: LookUp = { kind: 'absent' };
const SILENT: LookUp = { kind: 'unavailable', message: 'no route' };
const OPEN: LookUp = { kind: 'found', order: venueOrder({ state: 'OPEN', filledQuantity: '0', averagePrice: null }) };
const DONE: LookUp = { kind: 'found', order: venueOrder() };

/** One answer a look-up; there are as many waits as it takes, and then the answers of `later`, the last for ever. */
function resolved(answers: readonly LookUp[], later: readonly LookUp[] = [SILENT]) {
  const exchange = new ScriptedExchange();
  exchange.lookUps = [...answers, ...later];
  const waits = answers.slice(1).map(() => 1);
  return lookUpUntilEnded(exchange, new VirtualClock(0), waits, 'hl-1' as ClientOrderId, 'BTCUSDT', null);
}

describe('what became of an order', () => {
  it.each([
    ['denied throughout', [ABSENT, ABSENT, ABSENT], 'absent'],
    ['denied twice at the end', [SILENT, ABSENT, ABSENT], 'absent'],
    ['denied once at the end', [SILENT, SILENT, ABSENT], 'NO_ANSWER'],
    ['denied, but not at the end', [ABSENT, ABSENT, SILENT], 'NO_ANSWER'],
    ['open to the end', [OPEN, OPEN, OPEN], 'STILL_OPEN'],
    ['open, then denied', [OPEN, ABSENT, ABSENT], 'ORDER_VANISHED'],
    ['denied, then done', [ABSENT, ABSENT, DONE], 'done'],
  ] as const)('%s', async (_, answers, expected) => {
    const resolution = await resolved(answers);
    expect(resolution.kind === 'doubtful' ? resolution.reason : resolution.kind).toBe(expected);
  });

  it.each([
    ['done', [SILENT, DONE], 'done'],
    ['denied twice', [SILENT, ABSENT, ABSENT], 'absent'],
    ['denied once more', [ABSENT], 'absent'],
    ['open', [OPEN], 'STILL_OPEN'],
    ['silent for ever', [SILENT], 'NO_ANSWER'],
  ] as const)('a venue that is silent at the end is asked a little longer: %s', async (_, later, expected) => {
    const resolution = await resolved([ABSENT, SILENT], later);
    expect(resolution.kind === 'doubtful' ? resolution.reason : resolution.kind).toBe(expected);
  });

  it('EXE-48: is never taken for absent on the word of a single answer', async () => {
    const anAnswer = fc.constantFrom(ABSENT, SILENT, OPEN, DONE);
    await fc.assert(
      fc.asyncProperty(fc.array(anAnswer, { minLength: 1, maxLength: 8 }), async (answers) => {
        const resolution = await resolved(answers);
        const done = answers.includes(DONE);
        const denied =
          !answers.includes(OPEN) && answers.length > 1 && answers.slice(-2).every((one) => one === ABSENT);
        expect(resolution.kind === 'done').toBe(done);
        expect(resolution.kind === 'absent').toBe(denied && !done);
      }),
    );
  });
});
