import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Kernel } from './kernel.ts';

const EVENTS = fc.array(fc.record({ at: fc.nat(50), entity: fc.constantFrom('a', 'b', 'c') }), { maxLength: 60 });

it('SIM-10: events run in the order of their times, and so do those that events bring', async () => {
  await fc.assert(
    fc.asyncProperty(EVENTS, fc.integer(), async (events, seed) => {
      const kernel = new Kernel(seed, 0);
      const ran: number[] = [];
      for (const { at, entity } of events) {
        kernel.at(at, entity, () => {
          ran.push(kernel.now);
          kernel.after(3, entity, () => ran.push(kernel.now));
        });
      }
      await kernel.run(100);
      expect(ran).toEqual(ran.toSorted((one, other) => one - other));
      expect(ran).toHaveLength(2 * events.length);
      expect(kernel.now).toBe(100);
    }),
  );
});

it('SIM-10: what one entity does more changes no order among the others', async () => {
  await fc.assert(
    fc.asyncProperty(EVENTS, fc.integer(), async (events, seed) => {
      const orderOf = async (more: boolean): Promise<string[]> => {
        const kernel = new Kernel(seed, 0);
        const ran: string[] = [];
        for (const [index, { at, entity }] of events.entries()) {
          if (more) kernel.at(at, 'another', () => {});
          kernel.at(at, entity, () => ran.push(`${entity}${index}`));
        }
        await kernel.run(100);
        return ran;
      };
      expect(await orderOf(true)).toEqual(await orderOf(false));
    }),
  );
});

it('an event that is cancelled does not run; one that is due later waits for the next run', async () => {
  const kernel = new Kernel(1, 0);
  const ran: string[] = [];
  kernel.at(5, 'a', () => ran.push('cancelled')).cancel();
  kernel.at(7, 'a', () => ran.push('later'));
  await kernel.run(6);
  expect(ran).toEqual([]);
  await kernel.run(7);
  expect(ran).toEqual(['later']);
});

it('everything that an event set going with promises is done before the next event', async () => {
  const kernel = new Kernel(1, 0);
  const done: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let step = 0; step < 50; step++) await Promise.resolve();
    done.push(name);
  };
  kernel.at(1, 'a', () => void work('first'));
  kernel.at(1, 'a', () => done.push('event'));
  kernel.at(2, 'a', () => void work('second'));
  await kernel.run(2);
  expect(done.indexOf('second')).toBe(2);
  expect(new Set(done.slice(0, 2))).toEqual(new Set(['first', 'event']));
});

it('SIM-11: the hash tells runs apart by their events, by what was told and by the bytes that were made', async () => {
  const hashOf = async (...acts: readonly ((kernel: Kernel) => void)[]): Promise<string> => {
    const kernel = new Kernel(1, 0);
    for (const act of acts) kernel.at(1, 'a', () => act(kernel));
    await kernel.run(2);
    return kernel.hash;
  };
  const hashes = [
    await hashOf(),
    await hashOf(() => {}),
    await hashOf((kernel) => kernel.tell('a', 'b')),
    await hashOf((kernel) => kernel.tell('a', 'c')),
    await hashOf((kernel) => kernel.cover(Uint8Array.of(1))),
    await hashOf((kernel) => kernel.cover(Uint8Array.of(2))),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(await hashOf((kernel) => kernel.explain('a', () => 'b'))).toBe(await hashOf(() => {}));
});

it('an error that an event throws ends the run', async () => {
  const kernel = new Kernel(1, 0);
  kernel.at(1, 'a', () => {
    throw new Error('broken');
  });
  await expect(kernel.run(2)).rejects.toThrow('broken');
});
