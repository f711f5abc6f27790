/** What `work` throws. Fails where it throws nothing, or no Error. */
export function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof Error) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}
