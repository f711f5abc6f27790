import { printable } from './terminal.ts';

/** HTML. Made by `markup`, which escapes, or by `trusted` from text of this program. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | null | readonly Content[];

/** A template of HTML. Whatever is not Markup is escaped, for model ids, symbols and reasons are written by others. Null is left out. */
export function markup(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let text = parts[0] ?? '';
  contents.forEach((content, index) => {
    text += rendered(content) + (parts[index + 1] ?? '');
  });
  return new Markup(text);
}

/** Text of this program that is HTML or CSS. */
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

/**
 * The style sheet of every page. Before is vermilion and after is blue, which colour-blind readers tell apart, and each has a shape or a
 * word of its own besides. Paper is always light.
 */
export const STYLE = `
:root {
  color-scheme: light;
  --paper: #ffffff; --panel: #f5f6f8; --ink: #1a222c; --muted: #55606e; --line: #ccd3db; --faint: #e7eaee;
  --before: #a8480c; --after: #0a5ca3; --good: #0b6650; --caution: #7a5200; --bad: #a3211b;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --paper: #12161b; --panel: #1a2027; --ink: #e4e8ed; --muted: #a3aebb; --line: #3a444f; --faint: #262e37;
    --before: #f0a266; --after: #74b6f2; --good: #5fc9a8; --caution: #e3b758; --bad: #f28b82;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere; }
h1, h2, h3, p, ul, dl, figure { margin: 0; }
h1 { font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1.15rem; line-height: 1.3; font-weight: 650; }
h3 { font-size: 0.95rem; font-weight: 650; margin-top: 1.5rem; }
section { margin-top: 2.75rem; padding-top: 1.1rem; border-top: 1px solid var(--line); }
.lead { max-width: 46rem; margin-top: 0.35rem; color: var(--muted); }
.overline, .meta { color: var(--muted); font-size: 0.9rem; }
.overline { margin-bottom: 0.2rem; }
.meta { margin-top: 0.35rem; }
:focus-visible { outline: 2px solid var(--after); outline-offset: 2px; }
code, .code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.86em; }
.verdict { margin-top: 1.4rem; padding: 1rem 1.2rem 1.1rem; background: var(--panel); border-left: 4px solid var(--muted); }
.verdict.good { border-color: var(--good); } .verdict.caution { border-color: var(--caution); } .verdict.bad { border-color: var(--bad); }
.verdict strong { display: block; font-size: 1.15rem; font-weight: 650; line-height: 1.35; }
.verdict p { margin-top: 0.4rem; max-width: 50rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 12.5rem), 1fr)); gap: 1.1rem 1.4rem; margin-top: 1.5rem; }
.figures dt { color: var(--muted); font-size: 0.84rem; }
.figures dd { margin: 0; }
.figures .value { font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.35; white-space: nowrap; }
.figures .note { color: var(--muted); font-size: 0.84rem; line-height: 1.4; }
.commands { margin-top: 0.6rem; display: grid; grid-template-columns: max-content 1fr; gap: 0.35rem 1rem; align-items: baseline; }
.commands dt { color: var(--muted); font-size: 0.9rem; }
.commands dd { margin: 0; min-width: 0; }
.commands .code { display: block; padding: 0.4rem 0.6rem; background: var(--panel); border-radius: 3px; white-space: pre-wrap; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 0.5rem 2.5rem; align-items: start; }
ul { padding-left: 1.1rem; margin-top: 0.5rem; }
li { margin-top: 0.35rem; }
li::marker { color: var(--muted); }
.scroll {
  overflow-x: auto;
  background: linear-gradient(to right, var(--paper) 1rem, transparent 2rem) local, linear-gradient(to left, var(--paper) 1rem, transparent 2rem) local,
    linear-gradient(to right, var(--line), transparent 0.6rem) scroll, linear-gradient(to left, var(--line), transparent 0.6rem) scroll;
}
.sideways { display: none; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
.narrow { width: auto; }
.narrow th, .narrow td { padding-right: 2rem; }
.caption { margin-top: 0.9rem; color: var(--muted); font-size: 0.84rem; padding-bottom: 0.25rem; }
th, td { text-align: left; padding: 0.32rem 0.9rem 0.32rem 0; vertical-align: baseline; border-bottom: 1px solid var(--faint); font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-size: 0.84rem; border-bottom-color: var(--line); vertical-align: bottom; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.number + :not(.number) { padding-left: 0.7rem; }
.nowrap { white-space: nowrap; }
tr.group th { padding-top: 1rem; font-weight: 650; border-bottom-color: var(--line); }
.term { display: block; color: var(--muted); font-size: 0.84rem; min-width: 13rem; line-height: 1.35; }
.holds { color: var(--good); font-weight: 600; white-space: nowrap; } .broken { color: var(--bad); font-weight: 600; white-space: nowrap; }
.same { color: var(--muted); } .differs { font-weight: 650; color: var(--before); }
.dim { color: var(--muted); }
figure { margin-top: 1rem; }
figcaption { font-size: 0.95rem; font-weight: 650; margin-bottom: 0.35rem; }
figcaption span { display: block; color: var(--muted); font-weight: 400; font-size: 0.84rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font-size: 10px; font-variant-numeric: tabular-nums; }
svg .name { fill: var(--ink); font-size: 11px; }
svg .region { fill: var(--muted); paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.plot { max-width: 27rem; } .intervals { max-width: 30rem; } .rate { width: 7.5rem; height: 0.75rem; }
.grid { stroke: var(--faint); fill: none; } .zero { stroke: var(--muted); fill: none; }
.diagonal { stroke: var(--muted); stroke-dasharray: 2 3; fill: none; }
.bar { fill: var(--muted); opacity: 0.45; }
.band { stroke: none; opacity: 0.16; } .band.before { fill: var(--before); } .band.after { fill: var(--after); }
.fit { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.fit.before { stroke: var(--before); } .fit.after { stroke: var(--after); } .fit.beyond { stroke-width: 1.6; stroke-dasharray: 5 4; stroke-linecap: butt; }
.unseen { fill: url(#unseen); } .hatch { stroke: var(--line); stroke-width: 1.4; }
.change { stroke: var(--ink); stroke-width: 1; fill: none; }
.dot { stroke-width: 1.6; } .dot.after { fill: var(--after); stroke: var(--after); }
.dot.hollow { fill: var(--paper); } .dot.hollow.before { stroke: var(--before); } .dot.hollow.quiet { stroke: var(--muted); }
.whisker { fill: none; } .whisker.after { stroke: var(--after); stroke-width: 2.4; } .whisker.quiet { stroke: var(--muted); stroke-width: 1.2; }
.said { stroke: var(--before); stroke-width: 2; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.3rem; margin-top: 0.9rem; padding: 0; list-style: none; color: var(--muted); font-size: 0.84rem; }
.legend li { margin: 0; display: flex; align-items: center; gap: 0.45rem; }
.legend svg { width: 1.75rem; height: 0.75rem; flex: none; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.35rem 1.2rem; margin-top: 0.8rem; font-size: 0.92rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; min-width: 0; }
@media (max-width: 34rem) {
  main { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.35rem; }
  .figures { gap: 0.9rem; }
  .term { min-width: 8rem; }
  .sideways { display: inline; font-weight: 650; }
  .commands, .facts { grid-template-columns: 1fr; gap: 0.1rem; }
  .commands dd, .facts dd { margin-bottom: 0.5rem; }
}
@page { size: A4; margin: 15mm 16mm; }
@media print {
  html { font-size: 9.5pt; }
  body { line-height: 1.4; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  section { margin-top: 1.4rem; padding-top: 0.8rem; }
  #reliability, #map-section { break-before: page; border-top: 0; }
  .figures { grid-template-columns: repeat(4, auto); gap: 1rem 1.6rem; }
  .figures .value { font-size: 1.15rem; }
  h2, h3, .caption, figcaption, .lead, tr.group { break-after: avoid; }
  figure, tr, .lead, .verdict, .figures, .commands, .columns, .facts, .whole { break-inside: avoid; }
  .narrow { break-inside: avoid; }
  .scroll { overflow: visible; background: none; }
  .sideways { display: none; }
  .columns { grid-template-columns: 1fr 1fr; }
}

.bars { max-width: 34rem; }
.bars .whole { fill: var(--faint); } .bars .part { fill: var(--before); }
.bars text.end { text-anchor: end; }
.matrix { max-width: 30rem; }
.matrix .cell { stroke: var(--line); } .matrix .same { fill: var(--after); } .matrix .flip { fill: var(--before); }
.matrix text { text-anchor: middle; } .matrix text { fill: var(--ink); } .matrix text.count { font-size: 12px; font-weight: 600; }
.matrix text.row { text-anchor: end; }
`;
