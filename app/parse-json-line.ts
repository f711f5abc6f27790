import { HarvestlineError, type Problem, messageOf } from '../errors/harvestline-error.ts';

/** Strings, and the words for numbers that JSON does not have. A word inside a string is part of the string. */
const STRING_OR_NON_NUMBER = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

/** Stands in for such a word while parsing: a string no record would hold. */
const MARK = '\u0000not-a-json-number:';

export interface ParsedLine {
  readonly value: unknown;
  /** What makes the line no JSON although its value could be told. */
  readonly problems: readonly Problem[];
}

const NO_PROBLEMS: readonly Problem[] = [];

/**
 * Parses one line of NDJSON. NaN and Infinity are not JSON, but programs write them: `problems` says so, and they stand in
 * `value` as the numbers they mean, so that a check of the value names their fields together with everything else that is
 * wrong. Throws JSON_INVALID for anything else that is not JSON.
 */
export function parseJsonLine(text: string): ParsedLine {
  try {
    return { value: JSON.parse(text), problems: NO_PROBLEMS };
  } catch (cause) {
    const words = new Set<string>();
    const marked = text.replace(STRING_OR_NON_NUMBER, (word) => {
      if (word.startsWith('"')) return word;
      words.add(word);
      return JSON.stringify(MARK + word);
    });
    if (words.size > 0) {
      const why = `is not JSON: ${[...words].join(', ')}; an unknown number is null`;
      try {
        return { value: JSON.parse(marked, revive), problems: [{ path: '(root)', why }] };
      } catch {
        // The line is broken in more ways than one: the first error says where.
      }
    }
    throw new HarvestlineError('JSON_INVALID', `is not JSON: ${messageOf(cause)}`, { cause });
  }
}

function revive(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value;
}
