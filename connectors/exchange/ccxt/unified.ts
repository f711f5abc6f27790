import { z } from 'zod';

/**
 * The fields of ccxt's unified structures that this program reads, validated. Numbers are decimal texts (the client configures ccxt to give
 * them so); what an exchange leaves out is null.
 */

/** A decimal in plain or scientific notation. */
const Text = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text), 'must be a decimal number');
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null);
const Millis = z.union([z.number(), z.string()]).transform(Number).pipe(z.int().nonnegative());
const Id = z.union([z.string().min(1), z.number()]).transform(String);

/** The exchange's own fields. */
const Info = z.record(z.string(), z.unknown()).catch({});

export const UnifiedPosition = z.object({
  symbol: z.string(),
  side: optional(z.enum(['long', 'short'])),
  contracts: optional(Text),
  entryPrice: optional(Text),
  markPrice: optional(Text),
  timestamp: optional(Millis),
  lastUpdateTimestamp: optional(Millis),
  info: Info,
});

export type UnifiedPosition = z.infer<typeof UnifiedPosition>;

export const UnifiedTrade = z.object({
  id: Id,
  order: optional(Id),
  side: z.enum(['buy', 'sell']),
  amount: Text,
  price: Text,
  timestamp: Millis,
  fee: optional(z.object({ cost: optional(Text), currency: optional(z.string()) })),
  info: Info,
});

export type UnifiedTrade = z.infer<typeof UnifiedTrade>;

export const UnifiedOrder = z.object({
  id: Id,
  clientOrderId: optional(Id),
  status: optional(z.string()),
  type: optional(z.string()),
  side: optional(z.enum(['buy', 'sell'])),
  amount: optional(Text),
  price: optional(Text),
  filled: optional(Text),
  average: optional(Text),
  cost: optional(Text),
  timestamp: optional(Millis),
  lastTradeTimestamp: optional(Millis),
  lastUpdateTimestamp: optional(Millis),
  triggerPrice: optional(Text),
  stopLossPrice: optional(Text),
  takeProfitPrice: optional(Text),
  reduceOnly: optional(z.boolean()),
  info: Info,
});
export type UnifiedOrder = z.infer<typeof UnifiedOrder>;

/** No real amount is larger, and records do not accept one. Unit: units of an asset. */
const LARGEST_AMOUNT = 1e15;
const Amount = Text.refine((text) => Math.abs(Number(text)) <= LARGEST_AMOUNT, 'must be an amount that can be');

/** A funding payment; positive where the account received it. */
export const UnifiedIncome = z.object({
  symbol: z.string(),
  id: optional(Id),
  code: optional(z.string()),
  timestamp: Millis,
  amount: Amount,
});
export type UnifiedIncome = z.infer<typeof UnifiedIncome>;

export const UnifiedCandle = z
  .tuple([Millis, Text, Text, Text, Text, Text])
  .transform(([openedAt, open, high, low, close, volume]) => ({
    openedAt,
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
    volume: Number(volume),
  }));

export const UnifiedMarket = z.object({
  id: z.string(),
  symbol: z.string(),
  quote: z.string(),
  linear: optional(z.boolean()),
  active: optional(z.boolean()),
  expiry: optional(Millis),
  contractSize: optional(Text),
  precision: z.object({ amount: optional(Text), price: optional(Text) }),
  info: Info,
  limits: z.object({
    amount: optional(z.object({ min: optional(Text), max: optional(Text) })),
    market: optional(z.object({ min: optional(Text), max: optional(Text) })),
    cost: optional(z.object({ min: optional(Text) })),
  }),
});
export type UnifiedMarket = z.infer<typeof UnifiedMarket>;

/** Validates a structure. Throws an error naming every field that is not as ccxt documents it. */
export function unified<T extends z.ZodType>(type: T, given: unknown): z.infer<T> {
  const parsed = type.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || '(root)'}: ${message}`);
  throw new Error(`an answer that cannot be read: ${problems.join('; ')}`);
}
