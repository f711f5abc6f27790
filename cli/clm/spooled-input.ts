import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { onDiskAsync } from '../../connectors/system/disk-errors.ts';

/** Standard input on disk while a command needs to read it twice. */
export class SpooledInput {
  #folder: string | null = null;
  #taken = 0;

  /** Reads it to its end; returns the file. */
  async take(input: Readable): Promise<string> {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'harvestline-'));
    const file = join(this.#folder, `input-${(this.#taken += 1)}`);
    await onDiskAsync(file, () => pipeline(input, createWriteStream(file)));
    return file;
  }

  remove(): void {
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = null;
  }
}
