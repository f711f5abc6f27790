import { HarvestlineError, messageOf } from '../errors/harvestline-error.ts';

/** Strings, and the words for numbers that JSON does not have. A word inside a string is part of the string. */
const STRING_OR_NON_NUMBER = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity|nan|inf)\b/g;

/** Stands in for such a word while parsing: a string no record would hold. */
const MARK = '\u0000not-a-json-number:';

/**
 * Parses one line of NDJSON. NaN and Infinity are not JSON, but programs write them: they come back as the numbers they
 * mean, so that the strict check names the field they stand in, together with everything else that is wrong.
 * Throws JSON_INVALID for anything else that is not JSON.
 */
export function parseJsonLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    let found = false;
    const marked = text.replace(STRING_OR_NON_NUMBER, (word) => {
      if (word.startsWith('"')) return word;
      found = true;
      return JSON.stringify(MARK + word);
    });
    if (found) {
      try {
        return JSON.parse(marked, revive);
      } catch {
        // The line is broken in more ways than one: the first error says where.
      }
    }
    throw new HarvestlineError('JSON_INVALID', `is not JSON: ${messageOf(cause)}`, { cause });
  }
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
  const word = value.slice(MARK.length).toLowerCase();
  if (word.endsWith('nan')) return Number.NaN;
  return word.startsWith('-') ? -Infinity : Infinity;
}
