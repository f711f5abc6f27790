import { EmbeddedDeskLog } from '../../connectors/desk-log.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import type { ReadOnlyWorld } from '../../pipelines/runtime/read-only-world.ts';

/** Opens the embedded log of a data folder for reading. Throws LOG_UNREADABLE where there is none. */
export async function openReadOnly(dataDir: string, names = new DeskNames()): Promise<ReadOnlyWorld> {
  const log = new EmbeddedDeskLog(EmbeddedLog.openReadOnly(dataDir, new SystemClock()), names);
  const codec = await RecordCodec.open(log.registry);
  return { log, codec, admin: log, counts: (topic) => log.count(topic), liveNow: () => null, close: () => log.close() };
}
