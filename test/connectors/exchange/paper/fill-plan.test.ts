import { describe, expect, it } from 'vitest';
import { DEFAULT_FAULTS, parseFaults } from '../../../../connectors/exchange/paper/fill-plan.ts';
import { HarvestlineError } from '../../../../errors/harvestline-error.ts';

describe('parseFaults', () => {
  it('reads what is named and leaves the rest as it is', () => {
    expect(parseFaults('lost-reply=0.1, timeout=.05,partial-fill=0,blackout=1')).toEqual({
      ...DEFAULT_FAULTS,
      lostReply: 0.1,
      timeoutBefore: 0.05,
      partialFill: 0,
      blackout: 1,
    });
  });

  it('names every bad item and every name there is', () => {
    const bad = ['lost_reply=0.1', 'timeout', 'reject=2', 'slow=-0.1', 'blackout=often', 'partial-fill=0.1=2'];
    let thrown: unknown;
    try {
      parseFaults(['slow=0.1', ...bad, 'slow=0.2'].join(','));
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof HarvestlineError)) throw new Error('nothing was refused');
    expect(thrown.code).toBe('USAGE');
    expect(thrown.problems.map(({ path }) => path)).toEqual([...bad, 'slow=0.2']);
    expect(thrown.message).toMatch(/Names: lost-reply, timeout, reject, partial-fill, blackout, slow$/);
  });

  it('has no names beyond its own', () => {
    expect(() => parseFaults('constructor=0.5')).toThrow('constructor=0.5');
    expect(() => parseFaults('')).toThrow('Names:');
  });
});
