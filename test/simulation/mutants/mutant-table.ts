/**
 * Deliberate bugs of the product, of the kinds that engineers make: each is one piece of source with another in its place. A simulator that
 * lets one of them live would let the next real one live as well.
 *
 * The bugs are what a whole chain can show. Pure functions (policies, sizing, calibration) have their own tests, and are shared with some invariants.
 *
 * `diesAfter` was measured by `npm run simulate:mutants -- --seeds 40`, in worlds of 3 hours and 16 symbols.
 *
 * SIM-60  Each mutant dies within 1,000 seeds, by an invariant that the tree itself keeps for the same seeds (mutants.ts).
 * SIM-61  What a mutant replaces occurs once in its file, so that the source cannot move on from under it unnoticed.
 */

export interface Mutant {
  readonly name: string;
  /** What the program does wrongly. */
  readonly does: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Measured: the first seed, from 1 on, that an invariant breaks with. Null: not measured. Unit: seeds. */
  readonly diesAfter: number | null;
}

export const MUTANTS: readonly Mutant[] = [
  // Execution.
  {
    name: 'intents-worked-again',
    does: 'An intent that was worked is worked again when it is delivered again.',
    file: 'pipelines/execution/execution-processor.ts',
    find: 'if (ledger.isFinished(intent.intent_id)) return;',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'sent-before-announced',
    does: 'An order is sent before its announcement is on the log.',
    file: 'pipelines/execution/place.ts',
    find: 'await outbox.flush();',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'doubt-is-no-fill',
    does: 'An order without an answer counts as not filled, and is not looked up.',
    file: 'pipelines/execution/place.ts',
    find: "logger.warn(context, 'the order is in doubt; asking the venue');",
    replace: "return { kind: 'unfilled', reason: 'NO_FILL', detail: null, order: null, remaining: null };",
    diesAfter: 1,
  },
  {
    name: 'open-is-ended',
    does: 'An order that the exchange has accepted counts as ended, also while it still fills.',
    file: 'pipelines/execution/resolve.ts',
    find: "if (seen?.state === 'DONE') return",
    replace: 'if (seen !== null) return',
    diesAfter: 3,
  },
  {
    name: 'restart-resolves-nothing',
    does: 'An order that a crash left without an end counts as never sent.',
    file: 'pipelines/execution/resolve.ts',
    find: 'const end = await this.endOf(intent, submitted, null, outbox);',
    replace:
      "const end = { kind: 'unfilled', reason: 'NOT_PLACED', detail: null, order: null, remaining: null } as const;",
    diesAfter: 1,
  },
  {
    name: 'first-denial-believed',
    does: 'An order that the exchange does not know at the first look-up counts as never sent.',
    file: 'pipelines/execution/resolve.ts',
    find: 'resolution = absenceOf(seen, absences);\n        break;',
    replace: "return { kind: 'absent' };",
    diesAfter: 4,
  },
  {
    name: 'earlier-parts-forgotten',
    does: 'What the earlier orders of an intent have filled is asked for again by the next one.',
    file: 'pipelines/execution/place.ts',
    find: 'const left = rounded.sub(filledOf(outbox, submitted, end));',
    replace: 'const left = rounded;',
    diesAfter: 1,
  },
  {
    name: 'lane-error-swallowed',
    does: 'An intent that the exchange gave no answer for is passed over.',
    file: 'pipelines/execution/execution-processor.ts',
    find: "if (errors.length > 0) throw errors.find((error) => !isKind(error, 'transient')) ?? errors[0];",
    replace:
      "const lasting = errors.find((error) => !isKind(error, 'transient'));\n    if (lasting !== undefined) throw lasting;",
    diesAfter: 2,
  },
  {
    name: 'cooldown-forgotten',
    does: 'The cooldown after a partial close is forgotten when a process starts again.',
    file: 'pipelines/execution/ledger.ts',
    find: 'for (const { intentId } of this.#lastPartial.values()) needed.add(intentId);',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'own-fill-counted-twice',
    does: 'A fill that the account shows becomes a trade, also where it is of an order of ours that has its trade.',
    file: 'pipelines/execution/reconcile.ts',
    find: "if (fate === 'traded') continue;",
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'trade-of-order-forgotten',
    does: 'That an order has its trade is forgotten, so its fills become further trades once they are seen at the exchange.',
    file: 'pipelines/execution/ledger.ts',
    find: 'if (client_order_id !== null) this.#traded.add(client_order_id);',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'trades-not-read-back',
    does: 'The ledger is rebuilt from the reports alone after a restart, without the trades.',
    file: 'pipelines/execution/ledger.ts',
    find: 'for await (const { record } of replay(TOPICS.tradeClosed.name)) ledger.traded(record);',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'fee-of-the-opening',
    does: "The fee of a position's opening is recorded as the fee of the order that closed it.",
    file: 'pipelines/execution/costs.ts',
    find: 'fee_quote: closing.quote,',
    replace: 'fee_quote: opening.quote,',
    diesAfter: 1,
  },
  // CLM.
  {
    name: 'trade-counted-twice',
    does: 'A trade that is delivered twice counts twice in its outcome.',
    file: 'pipelines/clm/accumulate.ts',
    find: 'if (outcome?.slices.includes(trade.trade_id) === true) return null;',
    replace: '',
    diesAfter: 2,
  },
  {
    name: 'outcomes-not-restored',
    does: 'Outcomes are not read back after a restart: a position begins anew with its next trade.',
    file: 'pipelines/clm/clm-processor.ts',
    find: 'this.#outcomes = outcomes;\n    this.#tally = tally;',
    replace: 'this.#tally = tally;',
    diesAfter: 1,
  },
  // The runtime.
  {
    name: 'dead-letters-dropped',
    does: 'A record that nobody can act on is passed over, without a dead letter.',
    file: 'pipelines/runtime/wire-processor.ts',
    find: 'for (const letter of letters) outputs.push(letter);',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'early-commit',
    does: 'Offsets are committed while their records are still being worked.',
    file: 'pipelines/runtime/wire-processor.ts',
    find: 'outputs = await retryPart(part, `${batch.topic}[${batch.partition}]`, async () => {\n          await broadcast.refresh();',
    replace: `void (async (work: () => Promise<readonly OutgoingRecord[]>) => {
          try {
            await append(await retryPart(part, batch.topic, work));
          } catch {}
        })(async () => {
          await broadcast.refresh();`,
    diesAfter: 1,
  },
  {
    name: 'outage-swallowed',
    does: 'A batch is passed over where a dependency does not answer, instead of tried again.',
    file: 'pipelines/runtime/wire-processor.ts',
    find: 'outputs = await retryPart(part, `${batch.topic}[${batch.partition}]`, async () => {',
    replace:
      "outputs = await (async (_part: unknown, _what: string, work: () => Promise<readonly OutgoingRecord[]>) =>\n          work().catch((thrown: unknown) => {\n            if (isKind(thrown, 'transient')) return [];\n            throw thrown;\n          }))(part, batch.topic, async () => {",
    diesAfter: 2,
  },
  {
    name: 'state-outlives-assignment',
    does: 'A partition that comes back to a process is worked with the state from before it left.',
    file: 'pipelines/runtime/per-partition.ts',
    find: 'this.#before = { replay, processed };\n    this.#instances = new Map();',
    replace: 'this.#before = { replay, processed };',
    diesAfter: 1,
  },
  {
    name: 'batches-overlap',
    does: 'Batches of one partition are worked at the same time.',
    file: 'pipelines/runtime/per-partition.ts',
    find: 'const turn = before.then(work, work);',
    replace: 'const turn = NOTHING_BEFORE.then(work, work);',
    diesAfter: 1,
  },
  {
    name: 'approvals-read-at-start-only',
    does: 'Confidence maps that are approved while a scorer runs are not noticed.',
    file: 'pipelines/runtime/wire-processor.ts',
    find: 'await broadcast.refresh();',
    replace: '',
    diesAfter: 1,
  },
  {
    name: 'cursor-skips-one',
    does: 'Who reads a topic on passes over the first record that came since.',
    file: 'pipelines/runtime/topic-cursor.ts',
    find: 'next.set(batch.partition, Math.min(batch.nextOffset, endOf(batch.partition)));',
    replace: 'next.set(batch.partition, Math.min(batch.nextOffset + 1, endOf(batch.partition)));',
    diesAfter: 2,
  },
  // Scoring.
  {
    name: 'rollback-ignored',
    does: 'A confidence map that was rolled back stays in force.',
    file: 'pipelines/scoring/confidence-map.ts',
    find: "if (status === 'ROLLED_BACK') this.#approved.set(model, others);",
    replace: '',
    diesAfter: 2,
  },
  {
    name: 'id-of-the-place',
    does: 'The id of an intent is of the place of its snapshot on the log, not of what was observed.',
    file: 'pipelines/scoring/scoring-processor.ts',
    find: 'intent_id: intentIdOf(snapshot.position_id, snapshot.observed_at),',
    replace: 'intent_id: intentIdOf(snapshot.position_id, at.offset),',
    diesAfter: 1,
  },
  // The source of snapshots.
  {
    name: 'positions-not-restored',
    does: 'The source does not read back what it observed: what happened while it was away is never recorded.',
    file: 'pipelines/snapshots/exchange-source.ts',
    find: 'const snapshots = await latestSnapshots(options, clock, (other) => other === account);',
    replace: 'const snapshots = await latestSnapshots(options, clock, () => false);',
    diesAfter: 28,
  },
  {
    name: 'fills-between-cycles-lost',
    does: 'What is observed between two cycles is not written.',
    file: 'pipelines/snapshots/between-cycles.ts',
    find: 'if (followed.reconciled.length > 0) await write(followed);',
    replace: '',
    diesAfter: 1,
  },
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
    diesAfter: 2,
  },
  {
    name: 'halt-acknowledged-early',
    does: 'A halt is acknowledged while orders are still on their way.',
    file: 'pipelines/desk/desk-control.ts',
    find: 'if (before.length === 0) acknowledge();',
    replace: 'if (before.length >= 0) acknowledge();',
    diesAfter: 22,
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
];
