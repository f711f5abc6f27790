import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { AlertName } from '../../../pipelines/alerts/alert-table.ts';
import { type Alert, lookCloser } from '../../../pipelines/alerts/alerts.ts';
import { RunWatch } from '../../../pipelines/notify/run-watch.ts';
import type { Clock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { NO_METRICS } from '../../../ports/metrics.ts';
import type { RecordCodec } from '../../../schemas/record-codec.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { MemoryLog, memorySession } from '../../fixtures/memory-log.ts';

const START = Date.UTC(2026, 0, 1);
const MACHINE = new SystemClock();

let codec: RecordCodec;
beforeAll(async () => {
  codec = (await memorySession()).codec;
});

/** A clock that the test moves: who sleeps wakes when its time has come. */
class SteppedClock implements Clock {
  #now = START;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#sleepers.push({ at: this.#now + ms, wake: resolve });
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Second by second, and whatever that wakes is done before the next. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.#now += 1000;
      const due = this.#sleepers.filter(({ at }) => at <= this.#now);
      this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#now);
      for (const { wake } of due) wake();
      // Long enough for every chain of promises over the memory log.
      await MACHINE.sleep(0);
      await MACHINE.sleep(0);
    }
  }
}

/** A log whose broker may hang, and whose group may have gone to another watch. */
class HangingLog extends MemoryLog {
  #up = Promise.withResolvers<void>();
  isLost = false;
  isFull = false;

  constructor() {
    super();
    this.#up.resolve();
  }

  hang(): void {
    this.#up = Promise.withResolvers<void>();
  }

  recover(): void {
    this.#up.resolve();
  }

  override async offsets(topic: string) {
    await this.#up.promise;
    return super.offsets(topic);
  }

  override async append(records: Parameters<MemoryLog['append']>[0]): Promise<void> {
    await this.#up.promise;
    return super.append(records);
  }

  /** As the runtime gives it to a processor. */
  readonly write = async (records: Parameters<MemoryLog['append']>[0]): Promise<void> => {
    await this.#up.promise;
    if (this.isLost) throw new HarvestlineError('MEMBERSHIP_LOST', 'watch goes on without this member');
    if (this.isFull) throw new HarvestlineError('DISK_FULL', 'the log has no room');
    await super.append(records);
  };
}

function alertOf(name: AlertName): Alert {
  return { name, since: START, evidence: `${name} stands`, next: lookCloser('status') };
}

describe('run watch', () => {
  let clock: SteppedClock;
  let log: HangingLog;
  let sent: string[];
  let found: readonly AlertName[] | Error;

  beforeEach(() => {
    clock = new SteppedClock();
    log = new HangingLog();
    sent = [];
    found = [];
  });

  function started(name = 'ops'): RunWatch {
    const target = {
      name,
      send: ({ alert }: { readonly alert: { readonly name: string; readonly state: string } }): Promise<void> =>
        Promise.resolve(void sent.push(`${name} ${alert.name} ${alert.state}`)),
    };
    const watch = new RunWatch({
      topics: { log, codec },
      settings: { targets: [{ target, fromSeverity: 'INFO' }], quietHours: null, remindAfterMs: Infinity },
      desk: null,
      notifyFile: null,
      logFlags: '',
      evaluate: async () => {
        await log.offsets(TOPICS.harvestIntent.name);
        if (found instanceof Error) throw found;
        return found.map(alertOf);
      },
      clock,
      logger: SILENT_LOGGER,
      metrics: NO_METRICS,
    });
    const ended = new AbortController();
    const running = watch.run(ended.signal);
    onTestFinished(async () => {
      ended.abort();
      log.recover();
      await clock.pass(15);
      await running;
    });
    return watch;
  }

  async function leads(watch: RunWatch): Promise<void> {
    await watch.processor.recover?.([0], log.write);
  }

  async function records(): Promise<readonly string[]> {
    const lines: string[] = [];
    for await (const batch of log.read(TOPICS.deskAlert.name)) {
      for (const at of batch.records) {
        const { name, state } = codec.decode(TOPICS.deskAlert.name, at);
        lines.push(`${name} ${state}`);
      }
    }
    return lines;
  }

  it('records and sends where it is assigned the partition, and only evaluates where it is not', async () => {
    const [one, other] = [started(), started('spare')];
    found = ['halted'];
    await leads(one);
    await other.processor.recover?.([], log.write);
    await clock.pass(15);
    expect(await records()).toEqual(['halted RAISED']);
    expect(sent).toEqual(['ops halted RAISED']);
    expect([one.isWell(), other.isWell()]).toEqual([true, true]);
  });

  it('takes over from one that is gone, and writes nothing twice', async () => {
    const first = started();
    found = ['halted'];
    await leads(first);
    await clock.pass(15);
    log.isLost = true;
    await clock.pass(30);
    log.isLost = false;
    const second = started();
    await leads(second);
    await clock.pass(30);
    expect(await records()).toEqual(['halted RAISED']);
    expect(sent).toEqual(['ops halted RAISED']);
    found = [];
    // A watch clears nothing in its first two minutes.
    await clock.pass(150);
    expect(sent).toEqual(['ops halted RAISED', 'ops halted CLEARED']);
  });

  it('records and sends once the log takes it, however long it refused', async () => {
    const watch = started();
    found = ['halted'];
    await leads(watch);
    log.isFull = true;
    await clock.pass(60);
    expect([await records(), sent]).toEqual([[], []]);
    log.isFull = false;
    await clock.pass(15);
    expect([await records(), sent]).toEqual([['halted RAISED'], ['ops halted RAISED']]);
  });

  it('sends that the log is away from memory, and records it once it is back (NTF-16)', async () => {
    await leads(started());
    await clock.pass(15);
    log.hang();
    await clock.pass(60);
    expect(sent).toEqual(['ops log_unavailable RAISED']);
    log.recover();
    await clock.pass(20);
    expect(await records()).toEqual(['log_unavailable RAISED']);
    await clock.pass(120);
    expect(await records()).toEqual(['log_unavailable RAISED', 'log_unavailable CLEARED']);
    expect(sent).toEqual(['ops log_unavailable RAISED', 'ops log_unavailable CLEARED']);
  });

  it('clears it from memory where another watch has taken over meanwhile (NTF-16)', async () => {
    const watch = started();
    await leads(watch);
    await clock.pass(15);
    log.hang();
    await clock.pass(60);
    log.isLost = true;
    log.recover();
    await watch.processor.recover?.([], log.write);
    await clock.pass(90);
    expect(sent).toEqual(['ops log_unavailable RAISED', 'ops log_unavailable CLEARED']);
    expect(await records()).toEqual([]);
  });

  it('says after a minute that it cannot evaluate, and is not well after two (NTF-17)', async () => {
    const watch = started();
    await leads(watch);
    await clock.pass(15);
    found = new HarvestlineError('REGISTRY_AWAY', 'the registry does not answer');
    await clock.pass(60);
    expect(sent).toEqual([]);
    await clock.pass(30);
    expect(sent).toEqual(['ops log_unavailable RAISED']);
    expect(watch.isWell()).toBe(true);
    await clock.pass(60);
    expect(watch.isWell()).toBe(false);
    found = [];
    await clock.pass(60);
    expect(sent).toEqual(['ops log_unavailable RAISED', 'ops log_unavailable CLEARED']);
    expect(watch.isWell()).toBe(true);
  });
});
