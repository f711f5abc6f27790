/** Commands that a person copies: nothing on the page runs one. */
import { html } from './lib/lit-html.js';
/** @import { Picture } from './state.js' */

/** How long a button says that it copied. Unit: milliseconds. */
const SAID_FOR_MS = 2000;

/** A command with a button that copies it. @param {string} text */
export function command(text) {
  return html`<span class="command"
    ><code>${text}</code
    ><button type="button" class="copy" data-copy=${text} aria-label="Copy ${text}"><span>Copy</span></button></span
  >`;
}

/** As the user's shell takes it, for the log that the page shows. @param {Picture['desk']} desk @param {string} words */
export function commandOf({ program, log_flags: flags }, words) {
  return `${program} ${words}${flags}`;
}

/** Serves every copy button of the document, also those that come later. @param {(text: string) => void} announce */
export function serveCopyButtons(announce) {
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button[data-copy]') : null;
    if (!(button instanceof HTMLButtonElement)) return;
    void copied(button, announce);
  });
}

/** @param {HTMLButtonElement} button @param {(text: string) => void} announce */
async function copied(button, announce) {
  try {
    await copy(button.dataset['copy'] ?? '');
  } catch {
    announce('This browser does not let the page copy: select the text and copy it');
    return;
  }
  button.dataset['copied'] = '';
  setTimeout(() => delete button.dataset['copied'], SAID_FOR_MS);
  announce('Copied');
}

/** @param {string} text */
async function copy(text) {
  // Browsers offer the clipboard only where the page is loopback or HTTPS; the old way works elsewhere.
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('not copied');
}
