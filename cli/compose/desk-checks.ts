/** The checks of `doctor` for the desk that options and environment describe. What cannot even be opened is a check that fails. */
import { EmbeddedDeskLog, deskLog, deskRegistry } from '../../connectors/desk-log.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { logFileProbe } from '../../connectors/embedded/log-file-probe.ts';
import { KafkaClusterProbe } from '../../connectors/kafka/cluster-probe.ts';
import { ConfluentRegistry } from '../../connectors/kafka/confluent-registry.ts';
import type { Connections } from '../../connectors/kafka/kafka-connection.ts';
import { KafkaLog } from '../../connectors/kafka/kafka-log.ts';
import { folderFacts } from '../../connectors/system/folder-facts.ts';
import { reach } from '../../connectors/system/reach.ts';
import { DEV_PROCESS } from '../../pipelines/desk/presence.ts';
import { accountChecks } from '../../pipelines/doctor/account-checks.ts';
import { type Check, fine, troubleOf } from '../../pipelines/doctor/check.ts';
import { folderCheck } from '../../pipelines/doctor/folder-check.ts';
import { targetsCheck } from '../../pipelines/doctor/targets-check.ts';
import { embeddedChecks, kafkaChecks } from '../../pipelines/doctor/log-checks.ts';
import type { Clock } from '../../ports/clock.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { type LogOptions, chosenKafka, logWords } from '../options/log-options.ts';
import { type StallLimitsFlag, loadPolicy, loadShadows, loadStallLimits } from '../options/policy-options.ts';
import { type VenueCliOptions, chooseVenue } from '../options/venue-options.ts';
import { AT_THE_VENUE } from './build-processors.ts';

export interface DoctorOptions extends LogOptions, VenueCliOptions, StallLimitsFlag {
  readonly policy: string;
  readonly shadow?: readonly string[];
  readonly notify?: string;
  readonly json?: true;
}

export async function deskChecks(
  processors: readonly string[],
  options: DoctorOptions,
  clock: Clock,
): Promise<readonly Check[]> {
  const isAtVenue = processors.some((name) => AT_THE_VENUE.has(name));
  return [
    ...logChecks(options, clock),
    folderCheck(() => folderFacts(options.data)),
    policyCheck(processors, options),
    ...(isAtVenue ? await venueChecks(options, clock) : []),
    ...(options.notify === undefined ? [] : [await notifyCheck(options.notify)]),
  ];
}

function logChecks(options: DoctorOptions, clock: Clock): readonly Check[] {
  const names = new DeskNames(options.desk);
  let connections: Connections | null;
  try {
    connections = chosenKafka(options);
  } catch (thrown) {
    return [failed('kafka settings', thrown)];
  }
  if (connections === null) {
    return embeddedChecks(logFileProbe(options.data, DEV_PROCESS), () => {
      const log = new EmbeddedDeskLog(EmbeddedLog.openReadOnly(options.data, clock), names);
      return { log, registry: log.registry };
    });
  }
  const log = KafkaLog.open({ ...connections.kafka, clock, logger: SILENT_LOGGER });
  return kafkaChecks({
    log: deskLog(log, names),
    registry: deskRegistry(new ConfluentRegistry(connections.registry), names),
    cluster: new KafkaClusterProbe(connections.kafka, log),
    words: logWords(options),
    clock,
  });
}

/** The files that the options name. */
function policyCheck(processors: readonly string[], options: DoctorOptions): Check {
  return {
    name: 'policy',
    blocks: 'there is no policy',
    examine: () => {
      const policy = loadPolicy(options.policy);
      const shadows = loadShadows(options.shadow ?? [], policy, processors);
      loadStallLimits(options);
      return fine([policy.id, ...shadows.map(({ id }) => `shadow ${id}`)].join(', '));
    },
  };
}

async function venueChecks(options: DoctorOptions, clock: Clock): Promise<readonly Check[]> {
  try {
    const choice = chooseVenue(options, process.env);
    if (choice.kind === 'paper') return [];
    // Loaded only here: ccxt takes longer than all the rest.
    const { openAccountProbe } = await import('./open-exchange.ts');
    const symbols = options.symbols ?? null;
    const orders = choice.kind === 'exchange';
    return accountChecks(await openAccountProbe(choice.settings, symbols, orders, clock), orders, symbols);
  } catch (thrown) {
    return [failed('venue', thrown)];
  }
}

/** No message is sent: whether a target takes one, `notify test` tells. */
async function notifyCheck(file: string): Promise<Check> {
  // Loaded only here: an e-mail client is among the targets.
  const { readNotifyPlaces } = await import('../../connectors/notify/notify-file.ts');
  return targetsCheck(file, async () =>
    Promise.all(readNotifyPlaces(file).map(async ({ name, host, port }) => ({ name, ...(await reach(host, port)) }))),
  );
}

function failed(name: string, thrown: unknown): Check {
  return { name, blocks: `${name} cannot be used`, examine: () => troubleOf(thrown) };
}
