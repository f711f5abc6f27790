import type { Alert } from '../pipelines/watch/alerts.ts';
import { shellWord } from '../pipelines/watch/look-closer.ts';
import type { WorldOptions } from './world-options.ts';

/** Where an alert's commands begin: after its sentence. */
const COMMANDS = /(?<=: )harvestline [^]*$/;

/** One command up to its options. */
const COMMAND = /\bharvestline (?:dlq (?:list|show)|calibrate rollback|desk \w+|\w+)/g;

/** The options that name the log, as given on the command line; a command that an alert prints needs the same ones. */
export function logWords(
  { data, brokers, registry, desk }: Pick<WorldOptions, 'data' | 'brokers' | 'registry' | 'desk'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const words: string[] = [];
  const onKafka = brokers !== undefined || (env['KAFKA_BROKERS'] ?? '') !== '';
  if (!onKafka && data !== (env['HARVESTLINE_DATA'] ?? '.harvestline')) words.push('--data', data);
  if (desk !== undefined && desk !== env['HARVESTLINE_DESK']) words.push('--desk', desk);
  if (brokers !== undefined) words.push('--brokers', brokers);
  if (registry !== undefined) words.push('--registry', registry);
  return words.map((word) => ` ${shellWord(word)}`).join('');
}

/** The same evidence, its commands on the log that `words` name, so that they work as they are printed. */
export function onThatLog<A extends Pick<Alert, 'evidence'>>(alert: A, words: string): A {
  const evidence = alert.evidence.replace(COMMANDS, (commands) =>
    commands.replaceAll(COMMAND, (command) => command + words),
  );
  return { ...alert, evidence };
}
