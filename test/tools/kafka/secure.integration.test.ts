import { afterAll, describe, expect, it, vi } from 'vitest';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { lagOf } from '../../cli/compose/lag.ts';
import { runProgram } from '../../cli/program.ts';
import { PATIENCE, secureDesk, startSecureDesk } from './secure-desk.ts';

const broker = await startSecureDesk();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('the access lists of a broker', () => {
  const { environmentOf, withLog, folder, start, produce, reading, countOf } = secureDesk(broker);

  it('runs the chain, each processor with exactly the rights of docs/operations.md', async () => {
    const parts = (['scoring', 'execution', 'clm'] as const).map((name) => start(name, environmentOf(name)));
    const intents = await produce(30);
    await reading((log) =>
      vi.waitFor(async () => {
        expect(await countOf(log, TOPICS.harvestIntent.name)).toBe(intents);
        expect(await lagOf(log, 'execution', TOPICS.harvestIntent.name)).toBe(0);
        expect(await countOf(log, TOPICS.clmOutcome.name)).toBeGreaterThan(0);
        expect(await lagOf(log, 'clm', TOPICS.tradeClosed.name)).toBe(0);
      }, PATIENCE),
    );
    await Promise.all(parts.map(({ stop }) => stop()));
    // Alerts have no code, and a new coordinator may be unavailable for a moment.
    const refusals = parts.flatMap(({ said }) =>
      said.filter(({ code, message }) => !(code === null || code === 'BROKER_AWAY') || message.includes('no right')),
    );
    expect(refusals).toEqual([]);
  });

  it('names what is forbidden: topic and right, group and right', async () => {
    await produce(3);
    const { name: intent } = TOPICS.harvestIntent;
    await expect(start('scoring', environmentOf('half')).ended).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(`no right WRITE on topic ${intent}`) as unknown,
    });
    await withLog(environmentOf('execution'), async (log) => {
      const ended = log.subscribe({ group: 'scoring', topics: [intent], from: 'beginning' }, () => Promise.resolve([]));
      await expect(ended.then(({ done }) => done)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringContaining('no right DESCRIBE on group scoring') as unknown,
      });
    });
    await withLog(environmentOf('clm'), (log) =>
      expect(log.committed('scoring', intent)).rejects.toMatchObject({ code: 'ACCESS_DENIED' }),
    );
    // Topics that the user may not describe do not count as missing: every one is named.
    const { code, stderr } = await runProgram(
      ['run', 'scoring', '--data', folder.path],
      '',
      undefined,
      environmentOf('lost'),
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('ACCESS_DENIED') as unknown });
    for (const { name } of allTopicSpecs()) expect(stderr).toContain(name);
    expect(stderr).toContain('docs/operations.md');
  });
});
