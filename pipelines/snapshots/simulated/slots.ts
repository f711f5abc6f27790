/** A place for one position at a time: one symbol on one account. */
export interface Slot {
  readonly account: string;
  readonly symbol: string;
}

/**
 * `count` slots over the symbols: one account, the desk's own name, where there are enough symbols; otherwise as many numbered
 * sub-accounts as it takes, each holding every symbol once before the next one begins.
 */
export function slotsOf(desk: string, symbols: readonly string[], count: number): readonly Slot[] {
  const oneAccount = symbols.length >= count;
  const slots: Slot[] = [];
  for (let round = 1; slots.length < count && symbols.length > 0; round++) {
    for (const symbol of symbols.slice(0, count - slots.length)) {
      slots.push({ account: oneAccount ? desk : `${desk}-${round}`, symbol });
    }
  }
  return slots;
}

export function slotKey(slot: Slot): string {
  return `${slot.account}:${slot.symbol}`;
}
