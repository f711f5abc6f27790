import { describe, expect, it } from 'vitest';
import { AlertJournal } from '../../../pipelines/notify/alert-journal.ts';
import { deliveredKeyOf } from '../../../pipelines/notify/due.ts';
import type { AlertId, NotifyDelivered } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { memorySession } from '../../fixtures/memory-log.ts';

const DELIVERED: NotifyDelivered = GOOD_RECORDS[TOPICS.notifyDelivered.name];
const ALERT = GOOD_RECORDS[TOPICS.deskAlert.name];
const KEY = deliveredKeyOf(DELIVERED.target, DELIVERED);

describe('the journal of alerts', () => {
  it('counts a delivery from when it is noted, and writes it once (NTF-9)', async () => {
    const session = await memorySession();
    const journal = new AlertJournal(session);
    journal.note(DELIVERED);
    expect(journal.delivered.get(KEY)).toEqual(DELIVERED);
    await Promise.all([journal.recordNotes(), journal.recordNotes()]);
    expect(session.log.count(TOPICS.notifyDelivered.name)).toBe(1);
    expect(journal.hasNotes).toBe(false);
    const next = new AlertJournal(session);
    await next.readOn();
    expect(next.delivered.get(KEY)).toEqual(DELIVERED);
  });

  it('keeps a note whose record fails, and one that came while another was written (NTF-9)', async () => {
    const session = await memorySession();
    const { log } = session;
    const append = log.append.bind(log);
    const journal = new AlertJournal(session);
    log.append = () => Promise.reject(new Error('away'));
    journal.note(DELIVERED);
    await expect(journal.recordNotes()).rejects.toThrow('away');
    const later = { ...DELIVERED, alert_id: 'later' as AlertId };
    log.append = async (records) => {
      journal.note(later);
      await append(records);
    };
    await journal.recordNotes();
    log.append = append;
    expect(journal.delivered.get(KEY)).toEqual(later);
    expect(journal.hasNotes).toBe(true);
  });

  it('reads what was written before it, never less (NTF-10)', async () => {
    const session = await memorySession();
    const journal = new AlertJournal(session);
    const alerts = ['a1', 'a2', 'a3'].map((id) => ({ ...ALERT, alert_id: id as AlertId }));
    const seen: (string | undefined)[] = [];
    await Promise.all(
      alerts.flatMap((alert) => [
        journal.change([alert], (records) => session.log.append(records)),
        journal.readOn().then(() => seen.push([...journal.alerts.values()][0]?.alert_id)),
      ]),
    );
    expect(seen).toEqual(['a1', 'a2', 'a3']);
  });
});
