import { printable } from './terminal.ts';

/** Text that is HTML already. Only `markup` makes it, and `trusted` from text of ours. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | null | readonly Content[];

/** HTML with everything escaped that is not Markup: model ids, symbols and reasons are written by others. Null is nothing. */
export function markup(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let text = parts[0] ?? '';
  contents.forEach((content, index) => {
    text += rendered(content) + (parts[index + 1] ?? '');
  });
  return new Markup(text);
}

/** Text of ours that is HTML or CSS. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function rendered(content: Content): string {
  if (content === null) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string') return escaped(content);
  if (typeof content === 'number') return String(content);
  return content.map(rendered).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(foreign: string): string {
  return printable(foreign).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
