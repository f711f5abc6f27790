import { describe, expect, it } from 'vitest';
import {
  STARVED_INTENTS,
  STARVED_SPAN_MS,
  OPEN_ORDER_SPAN_MS,
  deadLettersAlert,
  haltedAlert,
  openOrdersAlert,
  unknownReportsAlert,
  venueDiffersAlert,
} from '../../../pipelines/alerts/alerts.ts';
import { IntentsSinceTrade } from '../../../pipelines/alerts/starvation.ts';
import { clientOrderIdOf, intentIdOf, positionIdOf } from '../../../schemas/ids.ts';
import { TOPICS, deadLetterTopicOf } from '../../../schemas/topics.ts';

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

  it('gives its figures and where to look', () => {
    const evidence = intents(new IntentsSinceTrade(), 40, 40 * 60 * 60 * 1000).alert()?.evidence;
    expect(evidence).toContain('40 intents in 40.0 h');
    expect(evidence).toContain('no trade ever closed');
    expect(evidence).toContain(`harvestline tail ${TOPICS.executionReport.name} --from 2026-02-02T03:40:00.000Z`);
  });

  it('does not break on a time that no date can name', () => {
    const watch = new IntentsSinceTrade();
    watch.trade(0);
    for (let i = 0; i < STARVED_INTENTS; i += 1) watch.intent(Number.MAX_SAFE_INTEGER);
    expect(watch.alert()?.evidence).toContain(String(Number.MAX_SAFE_INTEGER));
  });
});

describe('unknown_reports', () => {
  it('is silent without one, and names the latest', () => {
    expect(unknownReportsAlert({ count: 0, since: null, latest: [] })).toBeNull();
    const reports = [1, 2, 3, 4].map((time) => {
      const intent_id = intentIdOf(positionIdOf('desk-1', 'BTCUSDT', 'LONG', START), time);
      return { intent_id, client_order_id: clientOrderIdOf(intent_id) };
    });
    const alert = unknownReportsAlert({ count: 4, since: START, latest: reports });
    expect(alert).toMatchObject({ name: 'unknown_reports', since: START });
    for (const { intent_id, client_order_id } of reports.slice(1)) {
      expect(alert?.evidence).toContain(intent_id);
      expect(alert?.evidence).toContain(client_order_id);
    }
    expect(alert?.evidence).not.toContain(reports[0]?.intent_id);
  });
});

describe('dead_letters', () => {
  it('counts by topic, since the oldest, and names the tool for them', () => {
    const few = { topic: deadLetterTopicOf(TOPICS.tradeClosed.name), records: 2, since: START };
    const many = { topic: deadLetterTopicOf(TOPICS.harvestIntent.name), records: 7, since: START + 5 };
    const none = { topic: deadLetterTopicOf(TOPICS.positionSnapshot.name), records: 0, since: 0 };
    const alert = deadLettersAlert([none, few, many]);
    expect(alert).toMatchObject({ name: 'dead_letters', since: START });
    expect(alert?.evidence).toContain(`2 in ${few.topic}, 7 in ${many.topic}`);
    expect(alert?.evidence).toContain('harvestline dlq list');
    expect(deadLettersAlert([none])).toBeNull();
  });
});

describe('halted', () => {
  it('names who, why, and how each scope is lifted', () => {
    expect(haltedAlert([])).toBeNull();
    const desk = { scope: 'desk', by: 'alice', reason: 'maintenance', since: START + 5 };
    const alert = haltedAlert([desk, { ...desk, scope: 'main', by: 'bob', since: START }]);
    expect(alert).toMatchObject({ name: 'halted', since: START });
    expect(alert?.evidence).toBe(
      'Orders are stopped: desk halted by alice (maintenance), main halted by bob (maintenance). ' +
        'Lift it: harvestline resume --scope desk && harvestline resume --scope main',
    );
  });
});

describe('venue_differs', () => {
  it('counts all, names a few, since the oldest', () => {
    expect(venueDiffersAlert([])).toBeNull();
    const differences = [3, 1, 2, 4, 5, 6].map((n) => ({ symbol: `S${n}`, kind: 'NOT_SHOWN', since: START + n }));
    const alert = venueDiffersAlert(differences);
    expect(alert).toMatchObject({ name: 'venue_differs', since: START + 1 });
    expect(alert?.evidence).toContain('in 6 places: S3 NOT_SHOWN');
    expect(alert?.evidence).not.toContain('S6');
    expect(alert?.evidence).toContain('Look closer: harvestline status');
    expect(venueDiffersAlert(differences.slice(0, 1))?.evidence).toContain('in 1 place: S3 NOT_SHOWN.');
  });
});

describe('open_orders', () => {
  it('waits a minute of event time, and names where to look', () => {
    expect(openOrdersAlert({ count: 0, oldest: null }, START)).toBeNull();
    expect(openOrdersAlert({ count: 1, oldest: START }, START + OPEN_ORDER_SPAN_MS)).toBeNull();
    const alert = openOrdersAlert({ count: 2, oldest: START }, START + OPEN_ORDER_SPAN_MS + 1);
    expect(alert).toMatchObject({ name: 'open_orders', since: START });
    expect(alert?.evidence).toContain('2 orders were announced and have no end');
    expect(alert?.evidence).toContain(`harvestline tail ${TOPICS.executionReport.name} --from`);
  });
});
