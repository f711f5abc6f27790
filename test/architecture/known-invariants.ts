/** Labels that more than one place defines, with the names of the files. It only shrinks. */
export const KNOWN_DOUBLED: Readonly<Record<string, string>> = {};

/** Labels that no test cites, with the names of the files that define them. It only shrinks. */
export const KNOWN_UNCITED: Readonly<Record<string, string>> = {};
