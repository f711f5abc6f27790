/** How many orders may be sent in a span. */
interface Span {
  /** As in the reply's header. */
  readonly name: '10S' | '1M';
  readonly words: string;
  readonly lengthMs: number;
}

const SPANS: readonly Span[] = [
  { name: '10S', words: '10 SECONDS', lengthMs: 10_000 },
  { name: '1M', words: '1 MINUTE', lengthMs: 60_000 },
];

/** Unit: orders. Infinity: as many as one likes. */
export interface OrderLimits {
  readonly per10Seconds: number;
  readonly perMinute: number;
}

export interface OrderCount {
  /** Header -> orders so far. */
  readonly headers: Readonly<Record<string, number>>;
  /** What -1015 says; null where the order is allowed. */
  readonly over: readonly [limit: string, span: string] | null;
}

/** How many orders the account has sent of late. */
export class OrderCounts {
  readonly #limits: Readonly<Record<Span['name'], number>>;
  readonly #counts = new Map<Span['name'], { readonly span: number; count: number }>();

  constructor({ per10Seconds, perMinute }: OrderLimits) {
    this.#limits = { '10S': per10Seconds, '1M': perMinute };
  }

  take(now: number): OrderCount {
    const headers: Record<string, number> = {};
    let over: OrderCount['over'] = null;
    for (const { name, words, lengthMs } of SPANS) {
      const span = Math.floor(now / lengthMs);
      let current = this.#counts.get(name);
      if (current?.span !== span) this.#counts.set(name, (current = { span, count: 0 }));
      current.count += 1;
      headers[`X-MBX-ORDER-COUNT-${name}`] = current.count;
      if (current.count > this.#limits[name]) over = [String(this.#limits[name]), words];
    }
    return { headers, over };
  }
}
