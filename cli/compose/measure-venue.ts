import { PRIORITIES } from '../../connectors/exchange/ccxt/request-queue.ts';
import type { VenueClient } from '../../connectors/exchange/ccxt/venue-client.ts';
import type { Metrics } from '../../ports/metrics.ts';

/** The clock of an exchange, and what its requests cost, each time that somebody looks. */
export function measureVenue({ clock, queue }: VenueClient, metrics: Metrics): void {
  const skew = metrics.gauge('clockSkew', {});
  const used = metrics.gauge('venueAllowanceUsed', {});
  const spent = PRIORITIES.map((priority) => ({
    priority,
    counter: metrics.counter('venueWeight', { priority }),
    counted: 0,
  }));
  metrics.onLook(() => {
    skew.set(clock.skewMs);
    used.set(queue.used ?? 0);
    for (const one of spent) {
      const now = queue.spent[one.priority];
      one.counter.add(now - one.counted);
      one.counted = now;
    }
  });
}
