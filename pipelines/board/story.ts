import type { PositionStory } from '../../ports/board.ts';
import { explain } from '../explain/gather.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';

/** The most that a chart of one position shows. Unit: snapshots. */
const PATH_KEPT = 2000;

type Point = PositionStory['path'][number];

/** The explanation of a position, and the prices that it went through. Reads the topics once. Null where no snapshot of it is kept. */
export async function storyOf(
  { log, codec }: ReadableTopics,
  position: string,
  signal: AbortSignal,
): Promise<PositionStory | null> {
  const path = new ThinnedPath();
  const explanation = await explain({ log, codec, counts: () => 1 }, position, null, {
    onTotal: () => {},
    onRecords: () => signal.throwIfAborted(),
    onSnapshot: ({ observed_at: at, mark_price, stop_price }, r) => path.add({ at, mark_price, stop_price, r }),
  });
  const points = path.points();
  return explanation === null || points.length === 0 ? null : { explanation, path: points };
}

/** Evenly thinned while it is read, so that memory does not grow with the age of a position. The last point is kept. */
class ThinnedPath {
  #kept: Point[] = [];
  #every = 1;
  #added = 0;
  #last: Point | null = null;

  add(point: Point): void {
    if (this.#added % this.#every === 0) this.#kept.push(point);
    this.#last = point;
    this.#added += 1;
    if (this.#kept.length < PATH_KEPT) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  points(): readonly Point[] {
    const last = this.#last;
    return last === null || this.#kept.at(-1) === last ? this.#kept : [...this.#kept, last];
  }
}
