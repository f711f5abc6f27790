import { describe, expect, it } from 'vitest';
import { IntentsSinceTrade, STARVED_INTENTS, STARVED_SPAN_MS } from '../../../pipelines/alerts/starvation.ts';
import { TOPICS } from '../../../schemas/topics.ts';

const START = 1_770_003_600_000;

/** `count` intents from START, the last one `spanMs` later. */
function intents(watch: IntentsSinceTrade, count: number, spanMs: number): IntentsSinceTrade {
  for (let i = 0; i < count; i += 1) watch.intent(START + Math.round((i * spanMs) / (count - 1)));
  return watch;
}

describe('trades_starved', () => {
  it('needs both: enough intents and enough event time', () => {
    expect(intents(new IntentsSinceTrade(), STARVED_INTENTS, STARVED_SPAN_MS).alert()).toMatchObject({
      name: 'trades_starved',
      since: START,
    });
    expect(intents(new IntentsSinceTrade(), STARVED_INTENTS - 1, STARVED_SPAN_MS).alert()).toBeNull();
    expect(intents(new IntentsSinceTrade(), STARVED_INTENTS, STARVED_SPAN_MS - 1).alert()).toBeNull();
  });

  it('counts from the last trade, and only the intents after it', () => {
    const watch = new IntentsSinceTrade();
    watch.trade(START - STARVED_SPAN_MS);
    for (let i = 0; i < STARVED_INTENTS; i += 1) watch.intent(START - STARVED_SPAN_MS - i);
    expect(watch.alert()).toBeNull();
    expect(intents(watch, STARVED_INTENTS, 1000).alert()).toMatchObject({ since: START - STARVED_SPAN_MS });
  });

  it('ends with a new trade, not with an older one that comes late', () => {
    const watch = new IntentsSinceTrade();
    watch.trade(START - 1);
    intents(watch, STARVED_INTENTS, STARVED_SPAN_MS);
    watch.trade(START - 5000);
    expect(watch.alert()).not.toBeNull();
    watch.trade(START + STARVED_SPAN_MS);
    expect(watch.alert()).toBeNull();
  });

  it('after a trade counts from nothing again', () => {
    const watch = intents(new IntentsSinceTrade(), STARVED_INTENTS, STARVED_SPAN_MS);
    watch.trade(START + STARVED_SPAN_MS);
    watch.intent(START + 3 * STARVED_SPAN_MS);
    expect(watch.alert()).toBeNull();
  });

  it('gives its figures, and the command that shows the reports since then', () => {
    const alert = intents(new IntentsSinceTrade(), 40, 40 * 60 * 60 * 1000).alert();
    expect(alert?.evidence).toContain('40 intents in 40.0 h');
    expect(alert?.next.commands).toEqual([
      { words: 'tail', args: [TOPICS.executionReport.name, '--from', '2026-02-02T03:40:00.000Z', '--json'] },
    ]);
  });

  it('does not break on a time that no date can name', () => {
    const watch = new IntentsSinceTrade();
    watch.trade(0);
    for (let i = 0; i < STARVED_INTENTS; i += 1) watch.intent(Number.MAX_SAFE_INTEGER);
    expect(watch.alert()?.evidence).toContain(String(Number.MAX_SAFE_INTEGER));
  });
});
