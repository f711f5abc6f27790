import { expect, it } from 'vitest';
import { WatchedDesk } from '../../bench/watch.ts';

it('the desk of `npm run bench -- watch` works: what is measured is the evaluation in which nothing stands', () => {
  const desk = new WatchedDesk(60);
  const threeHours = Array.from({ length: 360 }, () => desk.evaluate());
  expect(threeHours.flat()).toEqual([]);
});
