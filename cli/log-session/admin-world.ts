import { EmbeddedDeskLog } from '../../connectors/desk-log.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { EventLog, TopicAdmin } from '../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';
import { openKafka } from './open-world.ts';
import { type WorldOptions, chosenKafka } from '../options/world-options.ts';

/** What commands need that look after a log: create topics, register schemas, put dead letters back. */
export interface AdminWorld {
  readonly log: EventLog & TopicAdmin;
  readonly registry: SchemaRegistry;
  readonly close: () => Promise<void>;
}

/** `read` for commands that only look: they neither create a data folder nor write to one. */
export type Access = 'read' | 'write';

/** Opens the log that the options choose. Topics and schemas need not be there yet. Throws LOG_UNREADABLE for `read` where the data folder holds no log. */
export function openAdminWorld(options: WorldOptions, access: Access): AdminWorld {
  const connections = chosenKafka(options);
  const names = new DeskNames(options.desk);
  if (connections !== null) {
    const { log, registry } = openKafka(connections, SILENT_LOGGER, names);
    return { log, registry, close: () => log.close() };
  }
  const clock = new SystemClock();
  const opened =
    access === 'read' ? EmbeddedLog.openReadOnly(options.data, clock) : EmbeddedLog.open(options.data, clock);
  const log = new EmbeddedDeskLog(opened, names);
  return { log, registry: log.registry, close: () => log.close() };
}
