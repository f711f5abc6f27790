import type { Alert } from './alerts.ts';

/** Where an alert's commands begin: after its sentence. */
const COMMANDS = /(?<=: )harvestline [^]*$/;

/** One command up to its options. */
const COMMAND = /\bharvestline (?:dlq (?:list|show)|calibrate rollback|desk \w+|\w+)/g;

/** The same evidence, its commands on the log that `words` name, so that they work as they are printed. */
export function onThatLog<A extends Pick<Alert, 'evidence'>>(alert: A, words: string): A {
  const evidence = alert.evidence.replace(COMMANDS, (commands) =>
    commands.replaceAll(COMMAND, (command) => command + words),
  );
  return { ...alert, evidence };
}
