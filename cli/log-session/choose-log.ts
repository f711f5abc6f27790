/**
 * Chooses the log of a kill-switch command. Other commands take the embedded log of the folder where no Kafka is named. A halt on another
 * log than the desk's stops nothing, so where several logs are possible, none is chosen.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { logFile } from '../../connectors/embedded/database.ts';
import type { Connections } from '../../connectors/kafka/kafka-connection.ts';
import { makeDataFolder } from '../../connectors/system/data-folder.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type LogOptions, chosenKafka } from '../options/log-options.ts';

export interface ChosenLog {
  readonly kind: 'embedded' | 'kafka';
  /** For people: the folder, or the brokers. */
  readonly name: string;
  readonly options: LogOptions;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The file in which `run` remembers the Kafka that it works on, without secrets. */
const KAFKA_FILE = 'kafka.json';

const KafkaFile = z.object({ brokers: z.string().min(1), registry: z.string().min(1), desk: z.string().default('') });

/**
 * The log that options and environment name, else the only one that is found. `isNamed`: whether --data was given. Throws USAGE where
 * several are found.
 */
export function chooseLog(options: LogOptions, isNamed: boolean, folder: string, env: Environment): ChosenLog {
  const kafka = chosenKafka(options, env);
  if (kafka !== null) return { kind: 'kafka', name: nameOf(kafka), options };
  if (isNamed) return embedded(options);
  const found = candidates(options, folder, env);
  const [only, ...others] = found;
  if (only === undefined) return embedded(options);
  if (others.length === 0) return only;
  const list = found.map(({ kind, name, options: { data, brokers, registry, desk = '' } }) =>
    kind === 'kafka'
      ? `Kafka at ${name}: --brokers ${brokers} --registry ${registry}${desk === '' ? '' : ` --desk ${desk}`}`
      : `the folder ${name}: --data ${data}`,
  );
  throw new HarvestlineError('USAGE', `several logs can be meant, and none is named:\n  ${list.join('\n  ')}`);
}

/** Remembers the Kafka that a process of this folder works on. */
export function rememberKafka(dataDir: string, { kafka, registry }: Connections, desk: string | undefined): void {
  makeDataFolder(dataDir);
  const content = {
    brokers: kafka.brokers.map(withoutUser).join(','),
    registry: withoutSecrets(registry.url),
    desk: desk ?? '',
  };
  writeFileSync(join(dataDir, KAFKA_FILE), `${JSON.stringify(content)}\n`, { mode: 0o600 });
}

function candidates(options: LogOptions, folder: string, env: Environment): readonly ChosenLog[] {
  const folders = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
  const byBrokers = new Map<string, ChosenLog>();
  for (const name of folders) {
    const remembered = kafkaOf(join(folder, name));
    if (remembered === null) continue;
    const given = { ...options, data: name, ...remembered, desk: options.desk ?? remembered.desk };
    const kafka = chosenKafka(given, env);
    if (kafka !== null)
      byBrokers.set(JSON.stringify(remembered), { kind: 'kafka', name: nameOf(kafka), options: given });
  }
  const logs = folders.filter((name) => existsSync(logFile(join(folder, name))));
  return [...byBrokers.values(), ...logs.map((data) => embedded({ ...options, data }, folder))];
}

function embedded(options: LogOptions, folder = '.'): ChosenLog {
  return { kind: 'embedded', name: resolve(folder, options.data), options };
}

function kafkaOf(dataDir: string): z.infer<typeof KafkaFile> | null {
  const path = join(dataDir, KAFKA_FILE);
  if (!existsSync(path)) return null;
  try {
    return KafkaFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // Another program's file of that name.
    return null;
  }
}

function nameOf({ kafka }: Connections): string {
  return kafka.brokers.map(withoutUser).join(',');
}

function withoutUser(broker: string): string {
  return broker.slice(broker.lastIndexOf('@') + 1);
}

function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
