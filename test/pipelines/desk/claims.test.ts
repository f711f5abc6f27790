import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClaimInForce,
  type ClaimTerms,
  Claims,
  EVERY_OTHER_ACCOUNT,
  MAIN_ACCOUNT,
  executionGroupOf,
} from '../../../pipelines/desk/claims.ts';
import type { ClaimId, DeskClaim, DeskMode, DeskPart } from '../../../schemas/generated/records.ts';

let made = 0;

function aClaim(overrides: Partial<DeskClaim> = {}): DeskClaim {
  made += 1;
  return {
    claim_id: `claim-${made}` as ClaimId,
    part: 'EXECUTION',
    account: MAIN_ACCOUNT,
    venue: 'binanceusdm',
    mode: 'LIVE',
    state: 'CLAIMED',
    standing: false,
    by_default: false,
    process: 'a',
    replaces: [],
    by: 'tester',
    reason: null,
    claimed_at: made,
    ...overrides,
  };
}

const LIVE = aClaim();
const PAPER = aClaim({ venue: 'paper', mode: 'PAPER', process: 'p' });
const OTHERS = aClaim({ ...PAPER, account: EVERY_OTHER_ACCOUNT, by_default: true, claim_id: 'others' as ClaimId });
const RETIRED = aClaim({ state: 'RETIRED', reason: 'over' });

function folded(...claims: readonly DeskClaim[]): Claims {
  const fold = new Claims();
  for (const claim of claims) fold.apply(claim);
  return fold;
}

const verdict = (claims: Claims, claim: DeskClaim): string => claims.verdict(claim).kind;

describe('a claim of execution', () => {
  it('DSK-7: of two that contradict each other the first is in force, and says who, where and since when', () => {
    const claims = folded(LIVE, PAPER);
    expect(claims.of(MAIN_ACCOUNT, 'EXECUTION')).toMatchObject({ process: 'a', venue: 'binanceusdm', mode: 'LIVE' });
    expect([claims.holds('a', MAIN_ACCOUNT, 'EXECUTION'), claims.holds('p', MAIN_ACCOUNT, 'EXECUTION')]).toEqual([
      true,
      false,
    ]);
    expect(verdict(folded(LIVE), aClaim({ mode: 'DEMO', process: 'b' }))).toBe('replaces');
  });

  it('DSK-9: of the same venue and mode joins; one that stands makes it stand', () => {
    const claims = folded(LIVE, aClaim({ process: 'b', standing: true }));
    expect(claims.holds('a', MAIN_ACCOUNT, 'EXECUTION') && claims.holds('b', MAIN_ACCOUNT, 'EXECUTION')).toBe(true);
    expect(claims.all()).toMatchObject([{ standing: true, process: 'a', since: LIVE.claimed_at }]);
    expect(verdict(claims, PAPER)).toBe('refused');
  });

  it('DSK-8: replaces what it names, unless somebody has joined that since', () => {
    const taking = aClaim({ ...PAPER, replaces: [LIVE.claim_id] });
    expect(folded(LIVE, taking).all()).toMatchObject([{ process: 'p', mode: 'PAPER', succeeds: true }]);
    expect(folded(LIVE, aClaim({ process: 'b' }), taking).all()).toMatchObject([{ process: 'a', mode: 'LIVE' }]);
    // A standing one stands, whatever a claimant may think.
    expect(folded({ ...LIVE, standing: true }, taking).all()).toMatchObject([{ mode: 'LIVE' }]);
  });

  it('DSK-10: ends when a person retires the account, and only then where it stands', () => {
    const standing = { ...LIVE, standing: true };
    expect(folded(standing, PAPER, RETIRED).all()).toEqual([]);
    expect(folded(standing, RETIRED, PAPER).all()).toMatchObject([{ process: 'p', succeeds: true }]);
    expect(folded(standing, { ...RETIRED, account: 'another' }).all()).toHaveLength(1);
  });

  it('of a process that works every other account: never of one that is at an exchange or stands, gone or not', () => {
    const second = { account: 'second' };
    const byDefault = aClaim({ ...PAPER, ...second, by_default: true, process: 'o' });
    expect(verdict(folded(), byDefault)).toBe('free');
    expect(verdict(folded(aClaim(second)), byDefault)).toBe('refused');
    expect(verdict(folded(aClaim({ ...second, mode: 'DEMO' })), byDefault)).toBe('refused');
    expect(verdict(folded(aClaim({ ...PAPER, ...second, standing: true })), byDefault)).toBe('refused');
    expect(verdict(folded(aClaim({ ...second, part: 'SNAPSHOTS' })), byDefault)).toBe('refused');
    expect(verdict(folded(byDefault), { ...byDefault, process: 'o2' })).toBe('free');
    // Another group would work the same intents once more.
    expect(verdict(folded(byDefault), aClaim({ ...PAPER, ...second }))).toBe('replaces');
    expect(verdict(folded(aClaim(second), aClaim({ ...second, ...RETIRED, account: 'second' })), byDefault)).toBe(
      'free',
    );
  });

  it('DSK-11: of main and of every other account exclude each other: they share a group', () => {
    expect(verdict(folded(OTHERS), LIVE)).toBe('replaces');
    expect(verdict(folded(LIVE), OTHERS)).toBe('refused');
    expect(verdict(folded({ ...PAPER, standing: true }), OTHERS)).toBe('refused');
    // The keys of an account, on paper: nobody named it.
    expect(verdict(folded(PAPER), OTHERS)).toBe('replaces');
    expect(verdict(folded(aClaim({ account: 'second' })), OTHERS)).toBe('free');
    expect(verdict(folded(aClaim({ part: 'SNAPSHOTS' })), OTHERS)).toBe('free');
    expect(executionGroupOf(OTHERS)).toBe(executionGroupOf(LIVE));
    expect(executionGroupOf({ account: 'second', by_default: false })).toBe('execution.second');
  });

  it('knows where an order went by the time when it was sent', () => {
    const claims = folded(aClaim({ claimed_at: 10 }), aClaim({ ...RETIRED }), aClaim({ mode: 'DEMO', claimed_at: 20 }));
    expect([5, 10, 19, 20, 99].map((at) => claims.wentTo(MAIN_ACCOUNT, at)?.mode)).toEqual([
      undefined,
      'LIVE',
      'LIVE',
      'DEMO',
      'DEMO',
    ]);
  });
});

describe('a source of snapshots', () => {
  const first = aClaim({ part: 'SNAPSHOTS' });

  it('DSK-9: never joins another; it goes on for one that is gone, also where that claim stands', () => {
    expect(verdict(folded(first), { ...first, process: 'b' })).toBe('replaces');
    expect(verdict(folded(first), first)).toBe('free');
    const restarted = aClaim({ part: 'SNAPSHOTS', process: 'b', replaces: [first.claim_id] });
    expect(folded({ ...first, standing: true }, restarted).all()).toMatchObject([{ process: 'b' }]);
    expect(folded(first, { ...restarted, replaces: [] }).all()).toMatchObject([{ process: 'a' }]);
  });

  it('contradicts execution of another venue or mode, and the other way round', () => {
    expect(verdict(folded(LIVE), aClaim({ part: 'SNAPSHOTS', mode: 'DEMO', process: 'b' }))).toBe('replaces');
    expect(verdict(folded({ ...LIVE, standing: true }), { ...first, mode: 'DEMO' })).toBe('refused');
    expect(verdict(folded(first), PAPER)).toBe('replaces');
    expect(verdict(folded(first), LIVE)).toBe('free');
  });
});

/** What an order may rest on, and what a successor waits: as in account-claims.ts. */
const FRESH = 10;
const TAKEOVER = 2 * FRESH;

interface Actor {
  readonly terms: ClaimTerms;
  readonly standing: boolean;
  view: Claims;
  lookedAt: number;
  /** Null: it has not claimed, or found that it does not hold. */
  worksFrom: number | null;
}

const PARTS: readonly DeskPart[] = ['EXECUTION', 'SNAPSHOTS'];
const WAYS: readonly (readonly [venue: string, mode: DeskMode])[] = [
  ['binanceusdm', 'LIVE'],
  ['binanceusdm', 'DEMO'],
  ['paper', 'PAPER'],
];

/** Each process of one part, account and way; a claimant of `*` claims main by default as well, when an intent comes. */
const actors = fc.array(
  fc.record({
    part: fc.constantFrom(...PARTS),
    account: fc.constantFrom(MAIN_ACCOUNT, 'second', EVERY_OTHER_ACCOUNT),
    way: fc.constantFrom(...WAYS),
    standing: fc.boolean(),
  }),
  { minLength: 2, maxLength: 4 },
);

type Step =
  | { readonly kind: 'read' | 'append' | 'claim by default'; readonly actor: number }
  | { readonly kind: 'retire'; readonly account: string }
  | { readonly kind: 'pass'; readonly ms: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constantFrom('read', 'append', 'claim by default'), actor: fc.nat(3) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('retire'), account: fc.constantFrom(MAIN_ACCOUNT, 'second') }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.nat(FRESH) }) },
  ),
  { maxLength: 60 },
) as fc.Arbitrary<readonly Step[]>;

describe('processes that claim, read, count as gone, and are retired in any order', () => {
  it('never work an account in two ways at a time, whichever others count as gone', () => {
    let contested = 0;
    fc.assert(
      fc.property(actors, steps, (kinds, happening) => {
        const log: DeskClaim[] = [];
        const all = kinds.map(({ part, account, way: [venue, mode], standing }, index): Actor => {
          const by_default = part === 'EXECUTION' && account === EVERY_OTHER_ACCOUNT;
          const [ownVenue, ownMode] = by_default ? (['paper', 'PAPER'] as const) : [venue, mode];
          const terms = { part, account, venue: ownVenue, mode: ownMode, process: `p${index}`, by_default };
          return { terms, standing: standing && !by_default, view: folded(), lookedAt: -Infinity, worksFrom: null };
        });
        let now = 0;
        const read = (actor: Actor): void => {
          actor.view = folded(...log);
          actor.lookedAt = now;
          const { process, account, part } = actor.terms;
          const held = actor.view.holds(process, account, part);
          if (!held) actor.worksFrom = null;
          else if (actor.worksFrom === null) {
            actor.worksFrom = actor.view.of(account, part)?.succeeds === true ? now + TAKEOVER : now;
          }
        };
        for (const step of happening) {
          if (step.kind === 'pass') now += step.ms;
          else if (step.kind === 'retire')
            log.push(aClaim({ state: 'RETIRED', account: step.account, reason: 'over', claimed_at: now }));
          else {
            const actor = all[step.actor % all.length];
            if (actor === undefined) continue;
            if (step.kind === 'read') read(actor);
            else {
              const byDefault = step.kind === 'claim by default' && actor.terms.by_default;
              const terms = byDefault ? { ...actor.terms, account: MAIN_ACCOUNT } : actor.terms;
              // By what it saw when it looked last, and it takes everybody that it may replace for gone.
              const seen = actor.view.verdict(terms);
              if (seen.kind === 'refused') continue;
              const replaces = seen.kind === 'replaces' && !byDefault ? seen.claims.map(({ latest }) => latest) : [];
              if (replaces.length > 0) contested += 1;
              log.push(aClaim({ ...terms, standing: actor.standing, replaces, claimed_at: now }));
              if (!byDefault) read(actor);
            }
          }
          const working = all.filter(
            ({ worksFrom, lookedAt }) => worksFrom !== null && now >= worksFrom && now - lookedAt < FRESH,
          );
          const others = (one: Actor) => working.filter((other) => other !== one);
          for (const one of working)
            for (const other of others(one))
              expect(together(one.terms, other.terms), JSON.stringify([one.terms, other.terms, log])).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
    // Else the property says nothing of taking over.
    expect(contested).toBeGreaterThan(100);
  });

  it('agree on who holds what, from the same log', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(LIVE, PAPER, OTHERS, RETIRED), { maxLength: 12 }), (log) => {
        const inForce = folded(...log).all();
        const others = (one: ClaimInForce) => inForce.filter((other) => other !== one);
        for (const one of inForce)
          for (const other of others(one)) expect(together(termsOf(one), termsOf(other))).toBe(true);
      }),
    );
  });
});

function termsOf({ part, account, venue, mode, process, by_default }: ClaimInForce): ClaimTerms {
  return { part, account, venue, mode, process, by_default };
}

/** Said again, from what it is for: whether two processes may work at the same time. */
function together(one: ClaimTerms, other: ClaimTerms): boolean {
  if (one.account !== other.account) {
    const groups = [one, other].filter(({ part }) => part === 'EXECUTION').map(executionGroupOf);
    return groups.length < 2 || groups[0] !== groups[1] || one.by_default === other.by_default;
  }
  if (one.venue !== other.venue || one.mode !== other.mode) return false;
  if (one.part !== other.part) return true;
  return one.part === 'EXECUTION' && executionGroupOf(one) === executionGroupOf(other);
}
