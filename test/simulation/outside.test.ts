import { expect, it } from 'vitest';
import { withoutOutside } from './outside.ts';

it('the real clock, randomness, timers and connections throw while a simulation runs, and are back after it', async () => {
  const said = await withoutOutside(() =>
    Promise.resolve(
      [() => Date.now(), () => Math.random(), () => setTimeout(() => {}, 0), () => fetch('http://127.0.0.1')].map(
        (use) => {
          try {
            void use();
            return 'worked';
          } catch (thrown) {
            return String(thrown);
          }
        },
      ),
    ),
  );
  expect(said).toEqual(
    ['now', 'random', 'setTimeout', 'fetch'].map(
      (name) => `TypeError: ${name} is of the real world, and a simulation runs`,
    ),
  );
  expect(Math.random()).toBeLessThan(1);
});
