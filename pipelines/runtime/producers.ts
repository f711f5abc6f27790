/** Who wrote a record, as far as it says so; the empty text for what it does not say. */
export interface Producer {
  readonly account: string;
  readonly source: string;
}

export function producerOf(record: object): Producer {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const { account, source }: { readonly account?: unknown; readonly source?: unknown } = record;
  return { account: text(account), source: text(source) };
}

/** A desk has some; a count for each name that garbage makes up would fill the memory. Unit: producers. */
const MAX_PRODUCERS = 100;

const OTHERS: Producer = { account: 'other', source: 'other' };

/** The first producers by name, all later ones as one. */
export class KnownProducers {
  readonly #known = new Set<string>();

  bounded(producer: Producer): Producer {
    const key = JSON.stringify([producer.account, producer.source]);
    if (!this.#known.has(key) && this.#known.size >= MAX_PRODUCERS) return OTHERS;
    this.#known.add(key);
    return producer;
  }
}
