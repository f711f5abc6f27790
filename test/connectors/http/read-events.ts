/** One event as a reader of text/event-stream dispatches it. */
export interface ReadEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** A reader of text/event-stream by the rules of the format (WHATWG HTML, 9.2.6), fed in pieces of any size. */
export class EventReader {
  readonly events: ReadEvent[] = [];
  #text = '';
  #id = '';
  #event = '';
  #data: string[] = [];

  feed(piece: string): void {
    this.#text += piece;
    // A carriage return at the end may be half of a line break.
    for (;;) {
      const found = /\r\n|\r(?!$)|\n/.exec(this.#text);
      if (found === null) return;
      this.#line(this.#text.slice(0, found.index));
      this.#text = this.#text.slice(found.index + found[0].length);
    }
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data.length > 0)
        this.events.push({ id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') });
      this.#event = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id') this.#id = value;
  }
}
