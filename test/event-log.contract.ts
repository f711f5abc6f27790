import { describe } from 'vitest';
import { groupContract } from './event-log/groups.contract.ts';
import { type LogUnderTest, openForSuite } from './event-log/open-log.ts';
import { recordContract } from './event-log/records.contract.ts';

/** What every EventLog must do (the invariants of ports/event-log.ts). The embedded log, Kafka and a desk's log run the same suite. */
export function eventLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`${name}: EventLog contract`, () => {
    const world = openForSuite(open);
    recordContract(world);
    groupContract(world);
  });
}
