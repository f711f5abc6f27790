import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Generation } from '../../../connectors/kafka/assignment.ts';

/** Lets all pending promises settle. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Never resolves. */
const never = (): Promise<never> => new Promise(() => {});

const said = (type: string): Error => Object.assign(new Error(type), { type });

const EXPELLED = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'];
const REBALANCING = ['REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP'];
const OTHERS = ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_LEADER_FOR_PARTITION', 'GROUP_AUTHORIZATION_FAILED'];

const aType = fc.constantFrom(...EXPELLED, ...REBALANCING, ...OTHERS);

describe('the errors of a coordinator', () => {
  it.each(EXPELLED)('KFK-28: after %s the batch in progress belongs to a later assignment', (type) => {
    const generation = new Generation();
    const error = said(type);
    generation.noteError(error);
    expect(generation.lost).toBe(true);
    expect(generation.rebalanceError).toBe(error);
  });

  it.each(REBALANCING)('after %s the batch in progress may still be finished and committed', (type) => {
    const generation = new Generation();
    const error = said(type);
    generation.noteError(error);
    expect(generation.lost).toBe(false);
    expect(generation.rebalanceError).toBe(error);
  });

  it('are found as causes of errors of kafkajs, too', () => {
    const generation = new Generation();
    generation.noteError(new Error('retries exceeded', { cause: said('ILLEGAL_GENERATION') }));
    expect(generation.lost).toBe(true);
  });

  it.each([...OTHERS.map(said), new Error('Connection closed'), { type: 'ILLEGAL_GENERATION' }])(
    'change nothing otherwise: %s',
    (thrown) => {
      const generation = new Generation();
      generation.noteError(thrown);
      expect(generation.lost).toBe(false);
      expect(generation.rebalanceError).toBeNull();
    },
  );

  it('in any order: a lost generation stays lost, and its error is the first one', () => {
    fc.assert(
      fc.property(fc.array(aType, { maxLength: 12 }), (types) => {
        const generation = new Generation();
        const errors = types.map(said);
        for (const error of errors) generation.noteError(error);
        const first = errors.find(({ message }) => !OTHERS.includes(message));
        expect(generation.lost).toBe(types.some((type) => EXPELLED.includes(type)));
        expect(generation.rebalanceError).toBe(first ?? null);
      }),
    );
  });
});

describe('KFK-26: waiting for a generation to be ready', () => {
  const outcome = async (waiting: Promise<boolean>): Promise<boolean | 'waits'> => {
    let is: boolean | 'waits' = 'waits';
    void waiting.then((ready) => (is = ready));
    await turns();
    return is;
  };

  it('lasts until it is prepared, and tells whether it is ready', async () => {
    const generation = new Generation();
    const prepared = Promise.withResolvers<void>();
    const waiting = generation.whenReady(prepared.promise, never());
    expect(await outcome(waiting)).toBe('waits');
    generation.markReady();
    prepared.resolve();
    expect(await outcome(waiting)).toBe(true);
  });

  it('ends where preparing failed, where the membership ended, and where a rebalance has begun', async () => {
    const error = said('REBALANCE_IN_PROGRESS');
    expect(await outcome(new Generation().whenReady(Promise.resolve(), never()))).toBe(false);
    expect(await outcome(new Generation().whenReady(never(), Promise.resolve()))).toBe(false);
    const rebalancing = new Generation();
    const waiting = rebalancing.whenReady(never(), never());
    expect(await outcome(waiting)).toBe('waits');
    rebalancing.startRebalance(error);
    expect(await outcome(waiting)).toBe(false);
    expect(await outcome(rebalancing.whenReady(never(), never()))).toBe(false);
    const lost = new Generation();
    lost.lose(error);
    expect(await outcome(lost.whenReady(never(), never()))).toBe(false);
  });

  it('returns at once when it is ready, and adds nothing to promises that outlive it', async () => {
    const generation = new Generation();
    generation.markReady();
    generation.startRebalance(said('REBALANCE_IN_PROGRESS'));
    const [prepared, ended] = [never(), never()];
    const subscriptions = [vi.spyOn(prepared, 'then'), vi.spyOn(ended, 'then')];
    expect(await outcome(generation.whenReady(prepared, ended))).toBe(true);
    for (const subscription of subscriptions) expect(subscription).not.toHaveBeenCalled();
  });
});
