/** Bugs of what people rely on: the kill switch, claims, alerts, the audit, and secrets that stay secret. */
import type { Mutant } from './mutant.ts';

export const DESK_MUTANTS: readonly Mutant[] = [
  // The desk.
  {
    name: 'switch-read-once',
    does: 'The kill switch is read when a process starts, and never again.',
    file: 'pipelines/desk/desk-control.ts',
    find: 'if (ends === this.#ends && Math.abs(startedAt - this.#readAt) < WHOLE_MS) return;',
    replace: 'if (this.#state !== null) return;',
    diesAfter: 1,
  },
  {
    name: 'halt-of-account-ignored',
    does: 'A halt of an account is acknowledged, and only one of the whole desk stops orders.',
    file: 'pipelines/desk/kill-switch.ts',
    find: 'return this.#stopOf(WHOLE_DESK) ?? this.#stopOf(account);',
    replace: 'return this.#stopOf(WHOLE_DESK);',
    diesAfter: 1,
  },
  {
    name: 'halt-acknowledged-early',
    does: 'A halt is acknowledged while orders are still on their way.',
    file: 'pipelines/desk/desk-control.ts',
    find: 'if (before.length === 0) acknowledge();',
    replace: 'if (before.length >= 0) acknowledge();',
    diesAfter: 4,
  },
  {
    name: 'claim-pushes-others-out',
    does: 'A process that joins a claim takes it from those that hold it.',
    file: 'pipelines/desk/claims.ts',
    find: 'processes: new Map([...joined.processes, [process, claimed_at]]),',
    replace: 'processes: new Map([[process, claimed_at]]),',
    diesAfter: 1,
  },
  // Alerts.
  {
    name: 'alerts-never-end',
    does: 'An alert that was raised is never cleared.',
    file: 'pipelines/notify/episodes.ts',
    find: 'return [...raised, ...cleared];',
    replace: 'return raised;',
    diesAfter: 1,
  },
  {
    name: 'deliveries-not-recorded',
    does: 'That a target took a message is not recorded, and the message is sent again.',
    file: 'pipelines/notify/alert-watch.ts',
    find: 'this.journal.note({ target, name, scope, alert_id, state, reminder, delivered_at });',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'silent-feed-unseen',
    does: 'Nobody is told that an account is observed no longer.',
    file: 'pipelines/watch/stall-watch.ts',
    find: 'this.#feedSilent(watermarks),',
    replace: '',
    diesAfter: 3,
  },
  {
    name: 'refusals-unseen',
    does: 'Nobody is told of a position whose orders the exchange refuses again and again.',
    file: 'pipelines/watch/order-alerts.ts',
    find: '...refusedAlert(refused),',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'late-as-it-is-written',
    does: 'What is written late counts as unanswered at once, as if it had waited since the time that it carries.',
    file: 'pipelines/watch/topic-joins.ts',
    find: 'now >= cameAt && now - cameAt <= within;',
    replace: 'now >= cameAt && now - cameAt <= within / 100;',
    diesAfter: 1,
  },
  // The audit.
  {
    name: 'map-change-not-recorded',
    does: 'That another confidence map has come into force is not recorded, so nobody can tell what decided.',
    file: 'pipelines/scoring/scoring-processor.ts',
    find: 'recorder.calibrationsChanged(versions);',
    replace: '',
    diesAfter: 2,
  },
  {
    name: 'input-of-the-next',
    does: 'An intent names the snapshot after the one that it was decided on.',
    file: 'pipelines/scoring/scoring-processor.ts',
    find: 'input: { topic: at.topic, partition: at.partition, offset: at.offset },',
    replace: 'input: { topic: at.topic, partition: at.partition, offset: at.offset + 1 },',
    diesAfter: 2,
  },
  // Secrets.
  {
    name: 'key-in-error',
    does: 'What an HTTP library says of a request that failed is passed on with the key and the signature in it.',
    file: 'connectors/exchange/ccxt/exchange-rejection.ts',
    find: 'new NoResponse(redactor.redactForeign(messageOf(thrown)), unsupported)',
    replace: 'new NoResponse(messageOf(thrown), unsupported)',
    diesAfter: 1,
  },
  {
    name: 'key-in-report',
    does: 'What an exchange says of an order that it refuses is passed on with the key in it.',
    file: 'connectors/exchange/ccxt/exchange-rejection.ts',
    find: 'redactor.redactForeign(message)',
    replace: 'message',
    diesAfter: 1,
  },
];
