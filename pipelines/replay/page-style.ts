/** What the page adds to the style of the other reports: bars by share, and a matrix by depth of colour. */
export const PAGE_STYLE = `
.bars { max-width: 34rem; }
.bars .whole { fill: var(--faint); } .bars .part { fill: var(--before); }
.bars text.end { text-anchor: end; }
.matrix { max-width: 30rem; }
.matrix .cell { stroke: var(--line); } .matrix .same { fill: var(--after); } .matrix .flip { fill: var(--before); }
.matrix text { text-anchor: middle; } .matrix text { fill: var(--ink); } .matrix text.count { font-size: 12px; font-weight: 600; }
.matrix text.row { text-anchor: end; }
`;
