import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { CONSUMER_GROUPS, consumersOf } from '../../../pipelines/desk/consumer-groups.ts';
import { DeskControlWatch } from '../../../pipelines/desk/desk-control.ts';
import { buildWatch } from '../../../cli/compose/build-watch.ts';
import { PROCESSORS } from '../../../cli/compose/build-processors.ts';
import {
  loadPolicy,
  loadShadows,
  loadStallLimits,
  readPolicyFile,
  shadowOption,
} from '../../../cli/options/policy-options.ts';
import { CURRENT_POLICY as CURRENT, LEGACY_POLICY } from '../../fixtures/policies.ts';
import { DEFAULT_STALL_LIMITS } from '../../../pipelines/watch/stall-limits.ts';
import { PrometheusMetrics } from '../../../connectors/metrics/prometheus-metrics.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { EVERY_ACCOUNT } from '../../../ports/worked-accounts.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { ScriptedExchange } from '../../fixtures/scripted-exchange.ts';
import type { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { failureOf } from '../../fixtures/thrown-by.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { memorySession } from '../../fixtures/memory-log.ts';

function copy(id: string): string {
  const file = join(folderForTest(), `${id}.json`);
  writeFileSync(file, JSON.stringify({ ...CURRENT, id }));
  return file;
}

describe('--shadow', () => {
  const parse = (...args: readonly string[]): unknown =>
    new Command()
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .addOption(shadowOption())
      .parse(args, { from: 'user' })
      .opts()['shadow'];

  it('is given up to three times', () => {
    expect(parse()).toBeUndefined();
    expect(parse('--shadow', 'a', '--shadow', 'b', '--shadow', 'c')).toEqual(['a', 'b', 'c']);
    const four = ['a', 'b', 'c', 'd'].flatMap((name) => ['--shadow', name]);
    expect(() => parse(...four)).toThrow('At most 3 candidates');
  });

  it('takes candidates by id or file', () => {
    const candidates = loadShadows(['legacy', copy('mine')], CURRENT, ['scoring']);
    expect(candidates.map(({ id }) => id)).toEqual(['legacy', 'mine']);
  });

  it('refuses what records could not tell apart, and a process without scoring', () => {
    expect(() => loadShadows(['2026-02-07'], CURRENT, ['scoring'])).toThrow(
      'another policy here has its id, 2026-02-07',
    );
    expect(() => loadShadows(['legacy', 'legacy'], CURRENT, ['scoring'])).toThrow('has its id, legacy');
    expect(() => loadShadows(['legacy'], CURRENT, ['execution'])).toThrow('--shadow is for scoring');
    expect(loadShadows([], CURRENT, ['execution'])).toEqual([]);
  });
});

describe('extends', () => {
  const temporary = temporaryFolder();
  afterAll(() => temporary.remove());
  const folder = temporary.path;
  const write = (name: string, value: object): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify({ description: '', ...value }));
    return file;
  };

  it('finds a file from the folder of the file that extends it, through any number of them', () => {
    mkdirSync(join(folder, 'base'));
    write('base/first.json', { id: 'first', extends: '2026-02-07', points: { old: 9 } });
    write('base/second.json', { id: 'second', extends: 'first.json', points: { fresh: 8 } });
    const third = write('third.json', { id: 'third', extends: 'base/second.json', points: { near_peak: 7 } });
    expect(loadPolicy(third)).toEqual({
      ...CURRENT,
      id: 'third',
      description: '',
      points: { ...CURRENT.points, old: 9, fresh: 8, near_peak: 7 },
    });
  });

  it('refuses a ring, whatever names its files have, with all of them', () => {
    write('a.json', { id: 'a', extends: 'alias/b.json' });
    write('b.json', { id: 'b', extends: './a.json' });
    symlinkSync('.', join(folder, 'alias'));
    expect(() => readPolicyFile(join(folder, 'a.json'))).toThrow(
      /extends: .*a policy cannot extend itself: .*a\.json, which extends .*b\.json, which extends .*a\.json/,
    );
    const self = write('self.json', { id: 'self', extends: 'self.json' });
    expect(() => readPolicyFile(self)).toThrow('a policy cannot extend itself');
  });

  it('reads only regular files of at most 1 MiB', () => {
    const extending = (base: string): HarvestlineError =>
      failureOf(() => readPolicyFile(write('extending.json', { id: 'mine', extends: base })));
    const large = write('large.json', { id: 'large', extends: '2026-02-07', description: 'x'.repeat(1024 * 1024) });
    for (const [base, why] of [
      ['/dev/zero', '/dev/zero is no regular file'],
      [large, 'larger than 1 MiB'],
    ] as const) {
      const { code, problems } = extending(base);
      expect([code, problems]).toEqual(['POLICY_INVALID', [{ path: 'extends', why: expect.stringContaining(why) }]]);
    }
    expect(() => readPolicyFile('/dev/zero')).toThrow('/dev/zero is no regular file');
  });

  it('names the file that is not there', () => {
    expect(() => readPolicyFile(write('lost.json', { id: 'lost', extends: 'gone.json' }))).toThrow(
      /lost\.json: extends: no policy .*gone\.json/,
    );
  });
});

it('--stall-limits without end is not read to its end', () => {
  expect(() => loadStallLimits({ stallLimits: '/dev/zero' })).toThrow('larger than 1 MiB');
});

it('no processor reads shadow.decision', async () => {
  const world = await memorySession();
  const clock = new VirtualClock(0);
  const metrics = new PrometheusMetrics();
  const watched = { ...world, stallLimits: DEFAULT_STALL_LIMITS, logWords: '', clock, logger: SILENT_LOGGER, metrics };
  const parts = {
    ...world,
    policy: CURRENT,
    shadows: [LEGACY_POLICY],
    exchange: () => Promise.resolve(new ScriptedExchange()),
    limits: {},
    draining: new AbortController().signal,
    killSwitch: new DeskControlWatch(world, clock, SILENT_LOGGER),
    accounts: EVERY_ACCOUNT,
    openWatch: () => Promise.resolve(buildWatch({ notifyFile: null, desk: null }, watched)),
    clock,
    logger: SILENT_LOGGER,
    metrics,
  };
  const processors = await Promise.all(Object.values(PROCESSORS).map((make) => make(parts)));
  const read = processors.flatMap(({ inputs, observes = [], broadcasts = [] }) => [
    ...inputs,
    ...observes,
    ...broadcasts,
  ]);
  expect(read.map(({ name }) => name)).toContain(TOPICS.harvestIntent.name);
  expect(read.map(({ name }) => name)).not.toContain(TOPICS.shadowDecision.name);
  expect(Object.keys(CONSUMER_GROUPS)).toHaveLength(processors.length);
  expect(consumersOf(TOPICS.shadowDecision.name)).toEqual([]);
  // It shows before the first snapshot.
  expect(await parts.metrics.text()).toContain(
    'harvestline_shadow_decisions_total{policy="legacy",result="written"} 0',
  );
});
