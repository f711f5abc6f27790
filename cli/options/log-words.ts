import { shellWord } from '../../render/look-closer.ts';
import type { WorldOptions } from './world-options.ts';

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
