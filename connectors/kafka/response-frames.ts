/**
 * The answers of one connection, each read into memory of its own size, so that nothing of megabytes that come in pieces is copied. In front
 * of each stands its length, in 4 bytes.
 *
 * RF1  However their bytes are cut, answers are given whole, in order and once, with their length, in memory that is not used again.
 * RF2  A length that no answer has is of somebody who does not speak Kafka: from there on bytes are given as they come, and as little memory
 *      is taken for them.
 */

/** What small answers are read into, many at once. Unit: bytes. */
const SHARED_BYTES = 64 * 1024;

const LENGTH_BYTES = 4;

/** Above what a broker gives in one answer; what TLS and HTTP begin with is above it, too. Unit: bytes. */
const LARGEST_BYTES = 300 * 1024 * 1024;

export class ResponseFrames {
  readonly #shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  /** How much of a length has come. Unit: bytes. */
  #held = 0;
  /** An answer of which a part has come. */
  #begun: Buffer | null = null;
  #filled = 0;
  /** RF2: what the next bytes go to. */
  #foreign: Buffer | null = null;

  /** Where the next bytes go. */
  room(): Buffer {
    return this.#foreign ?? this.#begun?.subarray(this.#filled) ?? this.#shared.subarray(this.#held);
  }

  /** What is whole with the `count` bytes that have come there. */
  take(count: number): readonly Buffer[] {
    if (this.#foreign !== null) return [this.#giveForeign(this.#foreign, count)];
    if (this.#begun === null) return this.#cut(this.#held + count);
    this.#filled += count;
    if (this.#filled < this.#begun.length) return [];
    const whole = this.#begun;
    this.#begun = null;
    return [whole];
  }

  /** Of the shared memory up to `end`. */
  #cut(end: number): readonly Buffer[] {
    const shared = this.#shared;
    const whole: Buffer[] = [];
    let at = 0;
    while (end - at >= LENGTH_BYTES) {
      const size = LENGTH_BYTES + shared.readInt32BE(at);
      if (size < LENGTH_BYTES || size > LARGEST_BYTES) {
        whole.push(this.#giveForeign(shared.subarray(at), end - at));
        return whole;
      }
      if (size > end - at) {
        this.#begun = Buffer.allocUnsafeSlow(size);
        this.#filled = shared.copy(this.#begun, 0, at, end);
        this.#held = 0;
        return whole;
      }
      whole.push(Buffer.from(shared.subarray(at, at + size)));
      at += size;
    }
    this.#held = shared.copy(shared, 0, at, end);
    return whole;
  }

  #giveForeign(bytes: Buffer, count: number): Buffer {
    this.#foreign = Buffer.allocUnsafeSlow(SHARED_BYTES);
    return bytes.subarray(0, count);
  }
}
