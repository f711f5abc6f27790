/**
 * What a power loss leaves of the embedded log's files. Whatever was synced is on the disk. Of a write that was under way each sector is there, or
 * is as it was, or is garbage, in any order. Bytes beside a write stay as they were, which SQLite assumes of a disk, too ("powersafe overwrite").
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { logFile } from '../../../connectors/embedded/database.ts';
import type { RandomStream } from '../../../ports/random.ts';

/** The database and its write-ahead log. */
export interface LogFiles {
  readonly main: Buffer;
  readonly wal: Buffer;
}

const walOf = (folder: string): string => `${logFile(folder)}-wal`;
const shmOf = (folder: string): string => `${logFile(folder)}-shm`;

/** The files of a log that is open, right after an acknowledgement: all of it is synced. */
export function syncedFiles(folder: string): LogFiles {
  return { main: readFileSync(logFile(folder)), wal: readFileSync(walOf(folder)) };
}

/** The writes between two acknowledgements, of which a power loss interrupts one. */
export type Interrupted = 'commit' | 'checkpoint';

export function writesBetween(before: LogFiles, after: LogFiles): readonly Interrupted[] {
  return before.main.equals(after.main) ? ['commit'] : ['commit', 'checkpoint'];
}

/** The files after a power loss between two acknowledgements. A checkpoint begins once all that it copies is synced in the write-ahead log. */
export function tornBetween(
  before: LogFiles,
  after: LogFiles,
  interrupted: Interrupted,
  random: RandomStream,
): LogFiles {
  return interrupted === 'checkpoint'
    ? { main: tornWrite(before.main, after.main, random), wal: after.wal }
    : { main: before.main, wal: tornWrite(before.wal, after.wal, random) };
}

/** The smallest unit that a disk writes, and the one that SQLite writes to the database. Unit: bytes. */
const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;

function tornWrite(old: Buffer, written: Buffer, random: RandomStream): Buffer {
  const sectors = writtenSectors(old, written);
  switch (random.integer(0, 3)) {
    case 0:
      return written;
    case 1: {
      const at = random.integer(sectors[0]?.start ?? written.length, written.length);
      return Buffer.concat([written.subarray(0, at), old.subarray(at)]);
    }
    case 2:
      return withFlippedBits(written, sectors, random);
    default:
      return withSectorsAtRandom(old, written, sectors, random);
  }
}

/** Bytes of a file from `start` to before `end`. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** What was written, by sectors: from the first byte that differs on, but for pages that are the same in both. */
function writtenSectors(old: Buffer, written: Buffer): readonly Range[] {
  const isWritten = (start: number, end: number): boolean =>
    end > old.length || !old.subarray(start, end).equals(written.subarray(start, end));
  const sectors: Range[] = [];
  for (let page = 0; page < written.length; page += PAGE_BYTES) {
    const pageEnd = Math.min(written.length, page + PAGE_BYTES);
    if (!isWritten(page, pageEnd)) continue;
    for (let start = page; start < pageEnd; start += SECTOR_BYTES) {
      const sector = { start, end: Math.min(pageEnd, start + SECTOR_BYTES) };
      if (sectors.length > 0) sectors.push(sector);
      // What is before its first byte was written earlier.
      else if (isWritten(start, sector.end)) sectors.push({ ...sector, start: firstDifference(old, written, start) });
    }
  }
  return sectors;
}

function firstDifference(old: Buffer, written: Buffer, from: number): number {
  let at = from;
  while (at < old.length && old[at] === written[at]) at += 1;
  return at;
}

/** A few bits of the write are wrong. */
export function withFlippedBits(written: Buffer, sectors: readonly Range[], random: RandomStream): Buffer {
  const torn = Buffer.from(written);
  for (let flips = sectors.length === 0 ? 0 : random.integer(1, 4); flips > 0; flips--) {
    const { start, end } = sectors[random.integer(0, sectors.length - 1)] ?? { start: 0, end: 0 };
    const at = random.integer(start, end - 1);
    torn.writeUInt8(torn.readUInt8(at) ^ (1 << random.integer(0, 7)), at);
  }
  return torn;
}

/** Each sector of the write is written, or not, or garbage. */
function withSectorsAtRandom(old: Buffer, written: Buffer, sectors: readonly Range[], random: RandomStream): Buffer {
  const unwritten = Buffer.concat([old, Buffer.alloc(Math.max(0, written.length - old.length))]);
  const torn = Buffer.from(written);
  for (const { start, end } of sectors) {
    const fate = random.integer(0, 9);
    if (fate < 3) unwritten.copy(torn, start, start, end);
    else if (fate === 3) for (let at = start; at < end; at++) torn.writeUInt8(random.integer(0, 255), at);
  }
  // A file that grows may have its new length before it has its bytes, or after.
  return torn.subarray(0, random.integer(Math.min(old.length, written.length), written.length));
}

/** Puts the files into a folder. The shared memory, which nobody syncs, is gone, or garbage of any length. */
export function leaveFiles(folder: string, { main, wal }: LogFiles, random: RandomStream): void {
  writeFileSync(logFile(folder), main);
  writeFileSync(walOf(folder), wal);
  if (random.integer(0, 2) === 0) return;
  const garbage = Buffer.alloc(random.integer(0, 40_000), random.integer(0, 255));
  writeFileSync(shmOf(folder), garbage);
}
