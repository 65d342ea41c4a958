/** Simplified Paxos: good histories pass, and one bad history for each rule is caught by that rule. */
import { describe, expect, test } from 'vitest';
import { createPaxosCheckers, type PaxosCheckers } from '../../src/checkers/create-paxos-checkers.js';
import type { CheckedBallot, CheckedSlot, ValueKey } from '../../src/checkers/paxos-observations.js';

const A = 0;
const B = 1;
const C = 2;
/** Ballots of a and b, n = 3. */
const OF_A = 3;
const OF_B = 4;

type Story = (tell: Teller) => void;

/** Short words for what happens. */
class Teller {
  readonly to: PaxosCheckers;

  constructor(witness: number | null, isNew: boolean) {
    this.to = createPaxosCheckers({ replicas: ['a', 'b', 'c'], witness, isNew });
    for (const device of [A, B, C]) {
      if (!isNew) this.to.onStampKept(device);
      this.to.onStarted(device, `nonce ${device}`);
    }
  }

  /** Everybody tells this device that it holds nothing either. */
  vouch(device: number, ...vouchers: readonly number[]): void {
    for (const voucher of vouchers) this.to.onVouched(voucher, `nonce ${device}`);
  }

  /** All are new, and find out. */
  found(): void {
    for (const device of [A, B, C]) this.vouch(device, ...[A, B, C].filter((other) => other !== device));
    for (const device of [A, B, C]) this.to.onStampKept(device);
  }

  /** `client/sequence`, which somebody asks for, or a change: `quorum 3`, `admits 2 nonce`, `nothing`. */
  value(key: ValueKey): void {
    const [word = '', rest = ''] = key.split(' ');
    const [client = '', sequence] = key.split('/');
    this.to.onValue(key, {
      requests: sequence === undefined ? [] : [{ client, sequence: Number(sequence) }],
      quorum: word === 'quorum' ? Number(rest) : null,
      admits: word === 'admits' ? { replica: Number(rest), nonce: key.split(' ')[2] ?? '' } : null,
    });
  }

  ask(...keys: readonly ValueKey[]): void {
    for (const key of keys) {
      const [client = '', sequence] = key.split('/');
      this.to.onAsked({ client, sequence: Number(sequence) });
      this.value(key);
    }
  }

  /** Phase 1: the leader keeps its promise, and each of the others keeps and tells its own. */
  prepare(ballot: CheckedBallot, leader: number, others: readonly number[], prefix: CheckedSlot = 0): void {
    this.to.onPromiseKept(leader, ballot);
    for (const other of others) this.promise(other, ballot, prefix);
  }

  promise(device: number, ballot: CheckedBallot, prefix: CheckedSlot = 0): void {
    this.to.onPromiseKept(device, ballot);
    this.to.onPromiseSaid(device, ballot, prefix, []);
  }

  /** The leader votes and proposes. */
  propose(ballot: CheckedBallot, slot: CheckedSlot, key: ValueKey): void {
    this.to.onVoteKept(ballot % 3, ballot, slot, key);
    this.to.onProposed(ballot % 3, ballot, slot, key, true);
  }

  vote(device: number, ballot: CheckedBallot, slot: CheckedSlot, key: ValueKey): void {
    this.to.onVoteKept(device, ballot, slot, key);
    this.to.onVoteSaid(device, ballot, slot);
  }

  /** a leads, b follows: the values are chosen from `slot` on. */
  choose(slot: CheckedSlot, ...keys: readonly ValueKey[]): void {
    for (const [at, key] of keys.entries()) {
      this.propose(OF_A, slot + at, key);
      this.vote(B, OF_A, slot + at, key);
    }
  }

  answer(device: number, key: ValueKey, slot: CheckedSlot): void {
    const [client = '', sequence] = key.split('/');
    this.to.onAnswered(device, { client, sequence: Number(sequence) }, slot);
  }
}

function rulesOf(story: Story, witness: number | null = null, isNew = false): readonly string[] {
  const tell = new Teller(witness, isNew);
  story(tell);
  return [...new Set(tell.to.violations.map(({ checker, rule }) => `${checker} ${rule}`))];
}

/** a has led since ballot 3, and x/1 is chosen at slot 1. */
const settled =
  (story: Story): Story =>
  (tell) => {
    tell.ask('x/1', 'y/1');
    tell.prepare(OF_A, A, [B]);
    tell.choose(1, 'x/1');
    story(tell);
  };

describe('what goes well', () => {
  test('requests are chosen, answered, applied; the leader changes and takes over what it finds', () => {
    const story = settled((tell) => {
      tell.answer(B, 'x/1', 1);
      tell.propose(OF_A, 2, 'y/1');
      tell.to.onPromiseKept(B, OF_B);
      tell.to.onPromiseKept(A, OF_B);
      tell.to.onPromiseSaid(A, OF_B, 1, [{ slot: 2, ballot: OF_A, value: 'y/1' }]);
      tell.propose(OF_B, 2, 'y/1');
      tell.vote(C, OF_B, 2, 'y/1');
      tell.answer(C, 'y/1', 2);
      for (const device of [A, B, C]) {
        tell.to.onApplied(device, 1, 'x/1', true);
        tell.to.onApplied(device, 2, 'y/1', true);
      }
      tell.to.onCalm([A, B, C].map(() => ({ applied: 2, votes: true })));
    });
    expect(rulesOf(story)).toEqual([]);
  });

  test('a promise that was kept after a later one was made is said in its turn', () => {
    const story = settled((tell) => {
      tell.to.onPromiseKept(C, 5);
      tell.to.onPromiseKept(C, 7);
      tell.to.onPromiseSaid(C, 5, 0, []);
      tell.to.onPromiseSaid(C, 7, 0, []);
    });
    expect(rulesOf(story)).toEqual([]);
  });

  test('one that forgot is let in, keeps that, and votes again', () => {
    const story = settled((tell) => {
      tell.to.onAmnesia(C);
      tell.to.onStarted(C, 'new');
      tell.value('admits 2 new');
      tell.choose(2, 'admits 2 new');
      tell.to.onStampKept(C);
      tell.propose(OF_A, 3, 'y/1');
      tell.vote(C, OF_A, 3, 'y/1');
      tell.answer(C, 'y/1', 3);
    });
    expect(rulesOf(story)).toEqual([]);
  });

  test('devices of a new rig that all vouch for one another vote', () => {
    const story: Story = (tell) => {
      tell.found();
      tell.ask('x/1');
      tell.prepare(OF_A, A, [B]);
      tell.choose(1, 'x/1');
      tell.answer(B, 'x/1', 1);
    };
    expect(rulesOf(story, null, true)).toEqual([]);
    expect(rulesOf(story, C, true)).toEqual([]);
  });

  test('when all have forgotten, a new log begins, in which the old one is no more', () => {
    const story = settled((tell) => {
      tell.answer(B, 'x/1', 1);
      for (const device of [A, B, C]) {
        tell.to.onAmnesia(device);
        tell.to.onStarted(device, `nonce ${device}`);
      }
      tell.found();
      tell.prepare(OF_A, A, [B]);
      tell.choose(1, 'y/1');
      tell.answer(B, 'y/1', 1);
      for (const device of [A, B, C]) tell.to.onApplied(device, 1, 'y/1', true);
      tell.to.onCalm([A, B, C].map(() => ({ applied: 1, votes: true })));
    });
    expect(rulesOf(story)).toEqual([]);
  });

  test('one that founded itself is let in by others who had not heard of it, and forgets that it did', () => {
    const story: Story = (tell) => {
      tell.found();
      tell.prepare(OF_A, A, [B]);
      tell.to.onValue('late', { requests: [], quorum: null, admits: { replica: C, nonce: 'nonce 2' } });
      tell.choose(1, 'late');
      tell.to.onStarted(C, 'another');
      tell.to.onForgotten(C);
    };
    expect(rulesOf(story, null, true)).toEqual([]);
  });

  test('a quorum of one, chosen through the witness, chooses alone', () => {
    const story: Story = (tell) => {
      tell.ask('x/1', 'y/1');
      tell.prepare(OF_A, A, [B, C]);
      tell.choose(1, 'x/1');
      tell.value('quorum 1');
      tell.propose(OF_A, 2, 'quorum 1');
      tell.vote(C, OF_A, 2, 'quorum 1');
      tell.propose(OF_A, 3, 'y/1');
      tell.answer(A, 'y/1', 3);
    };
    expect(rulesOf(story, C)).toEqual([]);
  });
});

const bad: Readonly<Record<string, Story>> = {
  'choice §9 one value': settled((tell) => {
    // In a lower ballot, by votes that were there and are counted late.
    tell.to.onVoteKept(C, 0, 1, 'y/1');
    tell.to.onVoteKept(B, 0, 1, 'y/1');
  }),
  'choice §9 stays chosen': settled((tell) => {
    tell.prepare(OF_B, B, [C]);
    tell.propose(OF_B, 1, 'y/1');
  }),
  'choice §9 told': settled((tell) => tell.to.onChosenSaid(B, 1, 'y/1')),
  'choice §9 applied': settled((tell) => tell.to.onApplied(B, 1, 'y/1', true)),
  'choice §9 answered': settled((tell) => tell.answer(B, 'y/1', 1)),
  'choice §9 prefix': settled((tell) => tell.to.onPrefixSaid(B, 2)),
  'promise §9 vote below promise': settled((tell) => {
    tell.propose(OF_A, 2, 'y/1');
    tell.promise(C, OF_B, 0);
    tell.vote(C, OF_A, 2, 'y/1');
  }),
  'promise §9 promise below promise': settled((tell) => {
    tell.promise(C, 7);
    tell.to.onPromiseSaid(C, 5, 0, []);
  }),
  'promise §9 said before kept': settled((tell) => {
    tell.propose(OF_A, 2, 'y/1');
    tell.to.onVoteSaid(C, OF_A, 2);
  }),
  'promise §9 vote untold': settled((tell) => {
    tell.propose(OF_A, 2, 'y/1');
    tell.vote(C, OF_A, 2, 'y/1');
    tell.promise(C, OF_B, 1);
  }),
  'promise §9 quarantine': settled((tell) => {
    tell.to.onAmnesia(C);
    tell.to.onStarted(C, 'new');
    tell.promise(C, OF_B);
  }),
  'promise §9 vouches': settled((tell) => tell.to.onVouched(B, 'nonce 2')),
  'promise §9 remembers': settled((tell) => tell.to.onForgotten(B)),
  'proposal §9 one value a ballot': settled((tell) => {
    tell.ask('z/1');
    tell.to.onVoteKept(A, OF_A, 2, 'y/1');
    tell.to.onVoteKept(A, OF_A, 2, 'z/1');
  }),
  'proposal §9 own ballot': settled((tell) => {
    tell.prepare(5, B, [A, C]);
    tell.to.onVoteKept(B, 5, 2, 'y/1');
    tell.to.onProposed(B, 5, 2, 'y/1', true);
  }),
  'proposal §9 own vote first': settled((tell) => tell.to.onProposed(A, OF_A, 2, 'y/1', true)),
  'proposal §9 safe value': settled((tell) => {
    tell.ask('z/1');
    tell.propose(OF_A, 2, 'y/1');
    tell.to.onPromiseKept(B, OF_B);
    tell.to.onPromiseKept(A, OF_B);
    tell.to.onPromiseSaid(A, OF_B, 1, [{ slot: 2, ballot: OF_A, value: 'y/1' }]);
    tell.propose(OF_B, 2, 'z/1');
  }),
  'proposal §9 vote without proposal': settled((tell) => tell.vote(B, OF_A, 2, 'y/1')),
  'log §9 asked for': settled((tell) => {
    tell.value('z/9');
    tell.choose(2, 'z/9');
  }),
  'log §9 real time': (tell) => {
    tell.ask('x/1');
    tell.prepare(OF_A, A, [B]);
    tell.choose(2, 'x/1');
    tell.answer(B, 'x/1', 2);
    tell.ask('y/1');
    tell.choose(1, 'y/1');
  },
  'log §9 one slot': settled((tell) => {
    tell.answer(B, 'x/1', 1);
    tell.choose(2, 'x/1');
    tell.answer(B, 'x/1', 2);
  }),
  'log §9 in order': settled((tell) => {
    tell.choose(2, 'y/1');
    tell.to.onApplied(C, 2, 'y/1', true);
  }),
  'log §9 once': settled((tell) => {
    tell.choose(2, 'x/1');
    tell.to.onApplied(C, 1, 'x/1', true);
    tell.to.onApplied(C, 2, 'x/1', true);
  }),
  'log §9 state': settled((tell) => tell.to.onStateTaken(C, 1, 0)),
  'log §9 answered in the end': settled((tell) => {
    tell.answer(B, 'x/1', 1);
    tell.to.onCalm([{ applied: 1, votes: true }]);
  }),
  'log §9 caught up in the end': (tell) => {
    tell.ask('x/1');
    tell.prepare(OF_A, A, [B]);
    tell.choose(1, 'x/1');
    tell.answer(B, 'x/1', 1);
    tell.to.onCalm([{ applied: 0, votes: true }]);
  },
  'log §9 lets in in the end': (tell) => tell.to.onCalm([{ applied: 0, votes: false }]),
};

describe('what must not be', () => {
  test('a proposal ahead of its vote is judged as any other', () => {
    const ahead =
      (isPromised: boolean): Story =>
      (tell) => {
        tell.ask('z/1');
        tell.propose(OF_A, 2, 'y/1');
        if (isPromised) tell.to.onPromiseKept(B, OF_B);
        tell.to.onPromiseKept(A, OF_B);
        tell.to.onPromiseSaid(A, OF_B, 1, [{ slot: 2, ballot: OF_A, value: 'y/1' }]);
        tell.to.onProposed(B, OF_B, 2, 'z/1', false);
      };
    expect(rulesOf(settled(ahead(true)))).toEqual(['proposal §9 safe value']);
    expect(rulesOf(settled(ahead(false)))).toContain('promise §9 said before kept');
  });

  test.each(Object.entries(bad))('%s', (rule, story) => {
    expect(rulesOf(story)).toContain(rule);
  });

  test('memory §11 limit', () => {
    const to = createPaxosCheckers({ replicas: ['a'], witness: null, heldMaxBytes: 100 });
    to.onHeld(A, 100);
    expect(to.violations).toEqual([]);
    to.onHeld(A, 101);
    expect(to.violations).toMatchObject([{ checker: 'memory', rule: '§11 limit', who: 'a' }]);
  });

  test('a slot of a group with a witness is not chosen by the one device that left the quorum, nor by the witness with it', () => {
    const story: Story = (tell) => {
      tell.ask('x/1');
      tell.value('quorum 1');
      tell.prepare(OF_A, A, [B, C]);
      tell.choose(1, 'quorum 1');
      tell.vote(C, OF_A, 1, 'quorum 1');
      tell.prepare(OF_B, B, [C], 1);
      tell.propose(OF_B, 2, 'x/1');
      tell.vote(C, OF_B, 2, 'x/1');
      tell.answer(B, 'x/1', 2);
    };
    expect(rulesOf(story, C)).toEqual(['choice §9 answered']);
  });

  test('one that was let in votes only once it keeps that, and is a stranger again when it starts anew before', () => {
    const admitted =
      (rest: Story): Story =>
      (tell) =>
        settled((one) => {
          one.to.onAmnesia(C);
          one.to.onStarted(C, 'new');
          one.value('admits 2 new');
          one.choose(2, 'admits 2 new');
          one.propose(OF_A, 3, 'y/1');
          rest(one);
        })(tell);
    expect(rulesOf(admitted((tell) => tell.vote(C, OF_A, 3, 'y/1')))).toEqual(['promise §9 quarantine']);
    const again = admitted((tell) => {
      tell.to.onStarted(C, 'newer');
      tell.to.onStampKept(C);
    });
    expect(rulesOf(again)).toEqual(['promise §9 quarantine']);
  });

  test('one of a new rig that not all others vouch for, in this life of it, is a stranger', () => {
    const rule = ['promise §9 quarantine'];
    const silent: Story = (tell) => {
      tell.vouch(A, B);
      tell.to.onStampKept(A);
    };
    expect(rulesOf(silent, null, true)).toEqual(rule);
    const earlier: Story = (tell) => {
      tell.vouch(A, B, C);
      tell.to.onStarted(A, 'another');
      tell.to.onStampKept(A);
    };
    expect(rulesOf(earlier, null, true)).toEqual(rule);
  });

  test('a new incarnation does not count what the forgotten one promised in a higher ballot', () => {
    const story = settled((tell) => {
      tell.promise(C, OF_B);
      tell.to.onAmnesia(C);
      tell.to.onStarted(C, 'new');
      tell.value('admits 2 new');
      tell.choose(2, 'admits 2 new');
      tell.to.onPromiseKept(B, OF_B);
      tell.propose(OF_B, 3, 'y/1');
    });
    expect(rulesOf(story)).toEqual(['proposal §9 safe value']);
  });
});
