import { distance } from 'fastest-levenshtein';

/** More would be a list to read, not a hint. Unit: names. */
const MOST = 3;

/** The part of a name that may be wrong in a slip of the hand. */
const SLIP = 1 / 3;

/**
 * The names that somebody may have meant by one that does not exist, nearest first; none where nothing is like it. Capitals and
 * punctuation count for nothing (`eth/usdt` is ETHUSDT), and a name may be a part of another (`btc`, `PEPEUSDT`).
 */
export function nearest(name: string, known: Iterable<string>): readonly string[] {
  const wanted = bare(name);
  if (wanted === '') return [];
  const judged = [...new Set(known)].map((candidate) => ({ candidate, slips: distance(wanted, bare(candidate)) }));
  const limit = Math.max(2, Math.floor(wanted.length * SLIP));
  const least = Math.min(...judged.map(({ slips }) => slips));
  const alike = judged.filter(({ slips }) => slips === least && slips <= limit && slips < wanted.length);
  const longer = judged.filter(({ candidate }) => bare(candidate).includes(wanted));
  return (alike.length > 0 ? alike : longer)
    .map(({ candidate }) => candidate)
    .toSorted((one, other) => one.length - other.length || (one < other ? -1 : 1))
    .slice(0, MOST);
}

/** `btcusdt (did you mean BTCUSDT?)`, or the name alone where nothing is like it. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = nearest(name, known);
  return names.length === 0 ? name : `${name} (did you mean ${names.join(' or ')}?)`;
}

/** Known names for an error, those that are like the wrong one first. */
export function nearestFirst(name: string, known: Iterable<string>): readonly string[] {
  const names = [...known];
  return [...new Set([...nearest(name, names), ...names])];
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
