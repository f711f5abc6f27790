import { closeSync, openSync, readSync } from 'node:fs';

/** Far above any file of settings, policies or secrets. Unit: bytes. */
const LARGEST_FILE = 1024 * 1024;

/**
 * The bytes of a file or pipe, as readFileSync returns them. Throws as that does, and with the code EFBIG where there are more than
 * `LARGEST_FILE`: a file without end, such as /dev/zero, would fill the memory.
 */
export function readBoundedFile(file: string): Buffer {
  const bytes = Buffer.alloc(LARGEST_FILE + 1);
  const opened = openSync(file, 'r');
  let length = 0;
  try {
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(opened, bytes, length, bytes.length - length, null);
    }
  } finally {
    closeSync(opened);
  }
  if (length > LARGEST_FILE) {
    throw Object.assign(new Error(`EFBIG: larger than 1 MiB, read '${file}'`), { code: 'EFBIG' });
  }
  return bytes.subarray(0, length);
}
