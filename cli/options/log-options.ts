import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { userFolder } from '../../connectors/system/invocation.ts';
import { type Connections, kafkaConnection } from '../../connectors/kafka/kafka-connection.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { shellWord } from '../../render/output.ts';

/** The options that `logOptions` adds to a command. */
export interface LogOptions {
  readonly data: string;
  readonly brokers?: string;
  readonly registry?: string;
  readonly desk?: string;
}

/** Variables of the environment that stand for an option where it is not given, by its attribute. Those of --desk and --data commander knows. */
export const VARIABLES_OF: ReadonlyMap<string, string> = new Map([
  ['brokers', 'KAFKA_BROKERS'],
  ['registry', 'SCHEMA_REGISTRY_URL'],
]);

/** The options that choose a log: the embedded one in --data, unless Kafka is named. */
export function logOptions(command: Command): Command {
  return command
    .addOption(deskOption())
    .addOption(dataDirOption())
    .addOption(new Option('--brokers <list>', 'Kafka instead of the embedded log: host:port[,…]; or KAFKA_BROKERS'))
    .addOption(new Option('--registry <url>', 'schema registry of that Kafka; or SCHEMA_REGISTRY_URL'));
}

/** The Kafka that options and environment name; null for the embedded log. Throws USAGE with every wrong setting. */
export function chosenKafka(
  { brokers, registry }: LogOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Connections | null {
  const settings = {
    ...env,
    KAFKA_BROKERS: brokers ?? env['KAFKA_BROKERS'],
    SCHEMA_REGISTRY_URL: registry ?? env['SCHEMA_REGISTRY_URL'],
  };
  const named = settings.KAFKA_BROKERS !== undefined && settings.KAFKA_BROKERS !== '';
  if (named) return kafkaConnection(settings);
  if (registry === undefined) return null;
  throw new HarvestlineError('USAGE', '--registry goes with Kafka: it needs --brokers or KAFKA_BROKERS too');
}

/** The desk whose topics are meant, where several share a log. */
export function deskOption(): Option {
  return new Option(
    '--desk <name>',
    'a desk of its own in a log that desks share: put before its topics, subjects and groups',
  ).env('HARVESTLINE_DESK');
}

/** The folder of the embedded log and everything else local. */
export function dataDirOption(): Option {
  return new Option('--data <dir>', 'folder of the embedded log and everything else local')
    .env('HARVESTLINE_DATA')
    .default('.harvestline');
}

/** The options that name the log, as given on the command line: the commands that alerts print need the same. */
export function logWords(
  { data, brokers, registry, desk }: Pick<LogOptions, 'data' | 'brokers' | 'registry' | 'desk'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const words: string[] = [];
  const onKafka = brokers !== undefined || (env['KAFKA_BROKERS'] ?? '') !== '';
  // A relative folder is another one where the user stands elsewhere.
  const isElsewhere = userFolder(env) !== process.cwd();
  if (!onKafka && (isElsewhere || data !== (env['HARVESTLINE_DATA'] ?? '.harvestline')))
    words.push('--data', isElsewhere ? resolve(data) : data);
  if (desk !== undefined && desk !== env['HARVESTLINE_DESK']) words.push('--desk', desk);
  if (brokers !== undefined) words.push('--brokers', brokers);
  if (registry !== undefined) words.push('--registry', registry);
  return words.map((word) => ` ${shellWord(word)}`).join('');
}
