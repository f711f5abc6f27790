/**
 * The word that starts this program in the user's shell, for every command that is printed. It differs by place: `harvestline` where it is
 * installed, `npx harvestline` in a checkout, a path from elsewhere. The command line finds it out once, before anything is printed.
 *
 * CALL-1  A command that is printed begins with it, so that it can be typed as it stands. Text that is data (help, remedies) says
 *         `harvestline` and goes through `asCalled` when it is printed. Records and documents keep `harvestline`: they are read elsewhere.
 */
const NAME = 'harvestline';

let called = NAME;

/** Quoted for a shell where it has to be. */
export function programName(): string {
  return called;
}

export function setProgramName(name: string): void {
  called = name;
}

/** A command in a text of ours: at the start of a line, behind `$`, a quote, or what chains commands. Prose about harvestline is none. */
const COMMAND = /(^\s*|[`$(|:] ?|&& |\bxargs )harvestline(?= [a-z[<-])/gm;

/** The text with its commands as the user's shell takes them. */
export function asCalled(text: string): string {
  return called === NAME ? text : text.replace(COMMAND, (_command, before: string) => before + called);
}
