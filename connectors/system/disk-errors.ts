/** Translates errors of the file system and of SQLite into this program's: damaged, disk full, not permitted, disk failed. Each names the file. */
import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ErrorCode } from '../../errors/codes.ts';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';

/** Codes of the operating system. A missing path, or a file in place of a folder, cannot be written to either. */
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

/** Databases of this program consist of whole pages of this size, other files rarely do. Unit: bytes. */
const PAGE_BYTES = 4096;

/** With less free space the disk counts as full. Unit: bytes. */
const LEAST_SPACE = 64 * 1024;

/** The translated error; the error itself if the disk is not to blame. */
export function diskError(file: string, thrown: unknown): unknown {
  if (thrown instanceof HarvestlineError || !(thrown instanceof Error)) return thrown;
  const code = 'errcode' in thrown ? sqliteCode(file, thrown) : systemCode(thrown);
  if (code === undefined) return thrown;
  return new HarvestlineError(code, `${file}: ${messageOf(thrown)}`, { at: { file }, cause: thrown });
}

/** Runs work on `file`, and translates its errors. */
export function onDisk<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw diskError(file, thrown);
  }
}

/** As `onDisk`, for asynchronous work. */
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
  // A SQLite database of another program.
  if (code === undefined) return /no such (?:table|column)/.test(thrown.message) ? 'LOG_UNREADABLE' : undefined;
  if (primary === NOTADB && isWholePages(file)) return 'DATA_DAMAGED';
  if (primary === CANTOPEN && !isPermitted(file)) return 'DATA_UNWRITABLE';
  // Without room for its shared memory, SQLite reports several other errors.
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

/** Whether the file may be read and its folder written to, which SQLite needs even for reading. */
function isPermitted(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
    if (existsSync(file)) accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
