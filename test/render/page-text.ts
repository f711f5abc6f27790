const VOID = new Set(['meta', 'br', '!doctype']);

/** What a reader sees of a page: its body without tags, entities resolved, blanks collapsed but for those that do not break. */
export function pageText(page: string): string {
  return (page.split('<main>')[1] ?? '')
    .replaceAll(/<(title|desc)[^>]*>.*?<\/\1>/g, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/[ \n]+/g, ' ')
    .trim();
}

/** Tags that are closed out of turn or never. */
export function unbalancedTags(page: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, end, name = '', attributes = ''] of page.matchAll(/<(\/?)([\w!-]+)((?:\s[^<>]*)?)>/g)) {
    if (VOID.has(name) || attributes.endsWith('/')) continue;
    if (end === '') open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}
