/**
 * What a file of ours cannot be read or written for, in words of this program: damaged, full, not permitted, or a disk that fails. Each
 * names the file and says what to do.
 */
import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ErrorCode } from '../../errors/codes.ts';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';

/** The system's error codes. What is missing, or is a file where a folder should be, cannot be written to, either. */
const BY_SYSTEM_CODE: ReadonlyMap<unknown, ErrorCode> = new Map([
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['EIO', 'DISK_FAILED'],
  ...['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP'].map(
    (code) => [code, 'DATA_UNWRITABLE'] as const,
  ),
]);

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const BY_SQLITE_CODE: ReadonlyMap<number, ErrorCode> = new Map([
  [3, 'DATA_UNWRITABLE'],
  [5, 'LOG_BUSY'],
  [6, 'LOG_BUSY'],
  [8, 'DATA_UNWRITABLE'],
  [10, 'DISK_FAILED'],
  [11, 'DATA_DAMAGED'],
  [13, 'DISK_FULL'],
  [14, 'DISK_FAILED'],
  [26, 'LOG_UNREADABLE'],
]);

const PRIMARY = 0xff;
const CANTOPEN = 14;
const NOTADB = 26;

/** Every file of ours is whole pages of this size; one that is none of ours hardly is. Unit: bytes. */
const PAGE_BYTES = 4096;

/** With less than this nothing can be done. Unit: bytes. */
const LEAST_SPACE = 64 * 1024;

/** The error in words of this program; the same one where it is no trouble of the disk. */
export function diskError(file: string, thrown: unknown): unknown {
  if (thrown instanceof HarvestlineError || !(thrown instanceof Error)) return thrown;
  const code = 'errcode' in thrown ? sqliteCode(file, thrown) : systemCode(thrown);
  if (code === undefined) return thrown;
  return new HarvestlineError(code, `${file}: ${messageOf(thrown)}`, { at: { file }, cause: thrown });
}

/** Runs work that writes `file`, or reads one that has to be there. */
export function onDisk<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw diskError(file, thrown);
  }
}

/** As `onDisk`, for work that goes on. */
export async function onDiskAsync<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw diskError(file, thrown);
  }
}

function systemCode(thrown: Error): ErrorCode | undefined {
  return 'syscall' in thrown && 'code' in thrown ? BY_SYSTEM_CODE.get(thrown.code) : undefined;
}

function sqliteCode(file: string, thrown: Error & { readonly errcode: unknown }): ErrorCode | undefined {
  const primary = Number(thrown.errcode) & PRIMARY;
  const code = BY_SQLITE_CODE.get(primary);
  // A file of another program that happens to be SQLite's, too.
  if (code === undefined) return /no such (?:table|column)/.test(thrown.message) ? 'LOG_UNREADABLE' : undefined;
  if (primary === NOTADB && isWholePages(file)) return 'DATA_DAMAGED';
  if (primary === CANTOPEN && !isPermitted(file)) return 'DATA_UNWRITABLE';
  // SQLite has several words for a disk on which its shared memory finds no room.
  return code === 'DISK_FAILED' && isFull(file) ? 'DISK_FULL' : code;
}

function isWholePages(file: string): boolean {
  try {
    const { size } = statSync(file);
    return size > 0 && size % PAGE_BYTES === 0;
  } catch {
    return false;
  }
}

function isFull(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < LEAST_SPACE;
  } catch {
    return false;
  }
}

/** Whether the file may be read and the folder written to, which SQLite needs for readers, too. */
function isPermitted(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
    if (existsSync(file)) accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
