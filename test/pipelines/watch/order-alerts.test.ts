import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { OrderAlerts } from '../../../pipelines/watch/order-alerts.ts';
import type { ClientOrderId, ExecutionReport, PositionId, TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const HOUR_MS = 60 * 60 * 1000;
const base = GOOD_RECORDS[TOPICS.executionReport.name];

let alerts: OrderAlerts;
beforeEach(() => {
  alerts = new OrderAlerts();
});

function report(reason: string, traits: Partial<ExecutionReport> = {}): ExecutionReport {
  return { ...base, status: 'SUPPRESSED', reason, detail: 'why', ...traits };
}

function trade(traits: Partial<TradeClosed>): TradeClosed {
  const { client_order_id, position_id } = base;
  return { ...GOOD_RECORDS[TOPICS.tradeClosed.name], client_order_id, position_id, ...traits };
}

const standing = (): string[] => alerts.alerts().map(({ name }) => name);

describe('WAT-5: an order that was set aside', () => {
  const aside = report('ORDER_SET_ASIDE', { status: 'UNKNOWN' });

  it('stands with its order until its trade is recorded, however long', () => {
    alerts.report(aside, 1000);
    alerts.report(report('FILLED', { status: 'FILLED', position_id: 'another' as PositionId }), 1000 * HOUR_MS);
    expect(alerts.alerts()).toMatchObject([{ name: 'order_set_aside', since: 1000 }]);
    expect(alerts.alerts()[0]?.evidence).toContain(base.client_order_id);
    alerts.trade(trade({ client_order_id: 'another' as ClientOrderId }));
    alerts.trade(trade({ client_order_id: null }));
    expect(standing()).toEqual(['order_set_aside']);
    alerts.trade(trade({ client_order_id: aside.client_order_id }));
    expect(standing()).toEqual([]);
  });

  it('is none of the other doubts', () => {
    alerts.report(report('NO_ANSWER', { status: 'UNKNOWN' }), 1000);
    expect(standing()).toEqual([]);
  });
});

describe('WAT-6: snapshots of another price than the venue has', () => {
  beforeEach(() => alerts.report(report('MARK_PRICE_DIFFERS'), 1000));

  it.each(['COOLDOWN', 'STALE_INTENT', 'KILL_SWITCH', 'FLAT'])('%s says nothing of the price', (reason) => {
    alerts.report(report(reason), 2000);
    expect(standing()).toEqual(['mark_price_differs']);
  });

  it.each<[string, Partial<ExecutionReport>]>([
    ['ORDER_SENT', { status: 'SUBMITTED' }],
    ['ABOVE_MAX_NOTIONAL', {}],
    ['BELOW_MINIMUM', {}],
  ])('%s says that it is right again', (reason, traits) => {
    alerts.report(report(reason, { ...traits, position_id: 'another' as PositionId }), 2000);
    expect(standing()).toContain('mark_price_differs');
    alerts.report(report(reason, traits), 2000);
    expect(standing()).not.toContain('mark_price_differs');
  });

  it('is over when no intent came for a day', () => {
    alerts.report(report('FLAT', { position_id: 'another' as PositionId }), 1000 + 24 * HOUR_MS);
    expect(standing()).toEqual(['mark_price_differs']);
    alerts.report(report('FLAT', { position_id: 'another' as PositionId }), 1001 + 24 * HOUR_MS);
    expect(standing()).toEqual([]);
  });
});

describe('WAT-6, WAT-7: a position that is closed on record', () => {
  const rejected = (order: string, at: number): void =>
    alerts.report(report('VENUE_REJECTED', { status: 'REJECTED', client_order_id: order as ClientOrderId }), at);
  const deliveries = {
    differs: () => alerts.report(report('MARK_PRICE_DIFFERS'), 1000),
    one: () => rejected('one', 2000),
    two: () => rejected('two', 3000),
    partly: () => alerts.trade(trade({ remaining_quantity: 1, client_order_id: null, closed_at: 3500 })),
    closed: () => alerts.trade(trade({ remaining_quantity: 0, client_order_id: null, closed_at: 2500 })),
  };

  it('has neither alert, by whomever it was closed, and in whatever order that is read', () => {
    for (const name of ['one', 'two', 'differs', 'partly'] as const) deliveries[name]();
    expect(standing()).toEqual(['mark_price_differs', 'orders_refused']);
    fc.assert(
      fc.property(fc.shuffledSubarray(['differs', 'one', 'two', 'partly'] as const), fc.nat(4), (read, place) => {
        alerts = new OrderAlerts();
        for (const name of [...read.slice(0, place), 'closed', ...read.slice(place)] as const) {
          deliveries[name]();
          alerts.alerts();
        }
        expect(standing()).toEqual([]);
      }),
    );
  });
});

describe('WAT-7: orders that are refused', () => {
  const OPEN = { remaining_quantity: null };
  const refused = (order: string, at: number): void =>
    alerts.report(
      report('VENUE_REJECTED', { ...OPEN, status: 'REJECTED', client_order_id: order as ClientOrderId }),
      at,
    );

  it('stands from the second in a row, with code and remedy, however often they are delivered', () => {
    refused('one', 1000);
    refused('one', 1000);
    expect(standing()).toEqual([]);
    refused('two', 2000);
    expect(standing()).toEqual(['orders_refused']);
    expect(alerts.alerts()[0]).toMatchObject({ since: 1000, evidence: expect.stringContaining('VENUE_REJECTED') });
  });

  it.each<[string, Partial<ExecutionReport>]>([
    ['FILLED', { status: 'FILLED' }],
    ['FLAT', { remaining_quantity: 0 }],
  ])('%s ends it', (reason, traits) => {
    refused('one', 1000);
    refused('two', 2000);
    alerts.report(report(reason, traits), 3000);
    expect(standing()).toEqual([]);
    refused('two', 2000);
    refused('one', 1000);
    expect(standing(), 'delivered again').toEqual([]);
    refused('three', 4000);
    expect(standing(), 'the first of a new row').toEqual([]);
  });

  it('waiting for the next try does not end it; a day without one does', () => {
    refused('one', 1000);
    refused('two', 2000);
    alerts.report(report('REFUSED_RECENTLY', OPEN), 3000);
    expect(standing()).toEqual(['orders_refused']);
    alerts.report(report('COOLDOWN', { position_id: 'another' as PositionId }), 2001 + 24 * HOUR_MS);
    expect(standing()).toEqual([]);
  });

  it("a limit of the desk's own that allows no order stands at once", () => {
    alerts.report(report('ABOVE_MAX_NOTIONAL', OPEN), 1000);
    expect(standing()).toEqual(['orders_refused']);
  });
});
