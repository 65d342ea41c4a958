/** Whoever breaks a rule of Simplified Paxos is caught, by the checker whose rule it is. */
import { expect, test } from 'vitest';
import type { PaxosEffect, PaxosMessage } from '../../src/core/paxos/types.js';
import type { StartCore } from '../../src/simulation/paxos-core.js';
import type { PaxosFault } from '../../src/simulation/paxos-faults.js';
import type { PaxosGroupName } from '../../src/simulation/paxos-groups.js';
import { simulatePaxos } from '../../src/simulation/simulate-paxos.js';
import { alter, sabotage } from '../support/paxos-sabotage.js';

interface Case {
  readonly name: string;
  readonly start: StartCore;
  readonly group?: PaxosGroupName;
  readonly fault?: PaxosFault;
  readonly commands?: number;
  /** One of these is found broken. */
  readonly rules: readonly string[];
}

const SEEDS = 12;
const COMMANDS = 200;

/** Alters what is sent. */
function sending(change: (message: PaxosMessage, to: number) => PaxosMessage): StartCore {
  return sabotage({
    effects: (effects) =>
      effects.map((effect) =>
        effect.kind === 'send' ? { ...effect, message: change(effect.message, effect.to) } : effect,
      ),
  });
}

const cases: readonly Case[] = [
  {
    name: 'forgets its promise at every step',
    start: sabotage({
      step: ({ state, step }, input) => {
        if (
          input.kind === 'received' &&
          (input.message.kind === 'propose' || input.message.kind === 'prepare')
        )
          state.promised = 0;
        return step(input);
      },
    }),
    fault: 'two-proposers',
    rules: ['promise §9 vote below promise', 'promise §9 promise below promise'],
  },
  {
    name: 'forgets its promise when it restarts',
    start: sabotage({
      started: (state) => {
        state.promised = 0;
      },
    }),
    fault: 'crash',
    rules: ['promise §9 vote below promise', 'promise §9 promise below promise', 'promise §9 vote untold'],
  },
  {
    name: 'forgets its votes when it restarts',
    start: sabotage({
      records: (records) => records.filter(({ kind }) => kind !== 'vote' && kind !== 'prefix'),
    }),
    fault: 'leader-killed',
    rules: ['promise §9 vote untold'],
  },
  {
    name: 'promises without telling its votes',
    start: sending((message) => (message.kind === 'promise' ? { ...message, votes: [] } : message)),
    fault: 'leader-killed',
    rules: ['promise §9 vote untold'],
  },
  {
    name: 'speaks before its records are safe',
    start: sabotage({
      effects: (effects) =>
        effects.map((effect) => (effect.kind === 'persist' ? { ...effect, barrier: false } : effect)),
    }),
    rules: ['promise §9 said before kept', 'proposal §9 own vote first'],
  },
  {
    name: 'lets its vote follow a proposal before it is safe',
    start: sabotage({
      effects: (effects) => [
        ...effects.filter((effect) => effect.kind === 'send' && effect.message.kind === 'vote'),
        ...effects.filter((effect) => effect.kind !== 'send' || effect.message.kind !== 'vote'),
      ],
    }),
    rules: ['promise §9 said before kept'],
  },
  {
    name: 'proposes before the promise of its ballot is safe',
    start: sabotage({
      effects: (effects) =>
        effects.map((effect) =>
          effect.kind === 'persist' && effect.record.kind === 'promise'
            ? { ...effect, barrier: false }
            : effect,
        ),
    }),
    rules: ['promise §9 said before kept'],
  },
  {
    name: 'answers before its vote is safe',
    start: sabotage({
      effects: (effects) => [
        ...effects.filter(({ kind }) => kind === 'answer'),
        ...effects.filter(({ kind }) => kind !== 'answer'),
      ],
    }),
    rules: ['choice §9 answered'],
  },
  {
    name: 'applies before its vote is safe',
    start: sabotage({
      effects: (effects) => [
        ...effects.filter(({ kind }) => kind === 'chosen'),
        ...effects.filter(({ kind }) => kind !== 'chosen'),
      ],
    }),
    rules: ['choice §9 applied'],
  },
  {
    name: 'takes two votes of five for a majority',
    group: 'five',
    start: sabotage({
      step: ({ config, state, step }, input) => {
        const effects = [...step(input)];
        if (input.kind !== 'received' || input.message.kind !== 'propose') return effects;
        const { ballot, slot } = input.message;
        const third = [0, 1, 2].find((one) => one !== config.self && one !== input.from) ?? 3;
        const incarnation = state.governance.incarnations[third]?.incarnation ?? 1;
        const message: PaxosMessage = { kind: 'vote', incarnation, ballot, from: slot, slot, prefix: 0 };
        return [...effects, ...step({ kind: 'received', nowUs: input.nowUs, from: third, message })];
      },
    }),
    rules: ['choice §9 applied', 'choice §9 answered', 'choice §9 told', 'choice §9 prefix'],
  },
  {
    name: 'proposes two values in one ballot',
    start: sending((message, to) =>
      message.kind === 'propose' && to === 1 ? { ...message, entry: alter(message.entry) } : message,
    ),
    rules: ['proposal §9 own vote first'],
  },
  {
    name: 'votes for what nobody proposed',
    start: sabotage({
      step: ({ step }, input) =>
        step(
          input.kind === 'received' && input.message.kind === 'propose'
            ? { ...input, message: { ...input.message, entry: alter(input.message.entry) } }
            : input,
        ),
    }),
    rules: ['proposal §9 vote without proposal'],
  },
  {
    name: 'leads in a ballot of somebody else',
    start: sabotage({
      effects: (effects) =>
        effects.map((effect): PaxosEffect => {
          if (effect.kind === 'send' && effect.message.kind === 'propose')
            return { ...effect, message: { ...effect.message, ballot: effect.message.ballot + 1 } };
          if (effect.kind === 'persist' && effect.record.kind === 'vote')
            return { ...effect, record: { ...effect.record, ballot: effect.record.ballot + 1 } };
          return effect;
        }),
    }),
    rules: ['proposal §9 vote without proposal', 'proposal §9 own ballot'],
  },
  {
    name: 'does not look at the votes that promises tell',
    start: sabotage({
      step: ({ step, state }, input) => {
        state.leadership?.found.clear();
        const effects = step(
          input.kind === 'received' && input.message.kind === 'promise'
            ? { ...input, message: { ...input.message, votes: [] } }
            : input,
        );
        return effects;
      },
    }),
    fault: 'leader-killed',
    rules: ['proposal §9 safe value', 'choice §9 stays chosen'],
  },
  {
    name: 'votes though it lost its memory',
    start: sabotage({
      records: (records, { self, witness }) =>
        records.length > 0 || self === witness ? records : [{ kind: 'stamp', incarnation: 1, since: 0 }],
    }),
    fault: 'amnesia',
    rules: ['promise §9 quarantine'],
  },
  {
    name: 'takes itself for one of a new rig while one of the others is silent',
    start: sabotage({
      step: ({ config, state, step }, input) => {
        const others = (2 ** config.n - 1) & ~(1 << config.self);
        const silent = others & ~state.vouchers;
        if ((silent & (silent - 1)) === 0) state.vouchers = others;
        return step(input);
      },
    }),
    fault: 'genesis',
    rules: ['promise §9 quarantine'],
  },
  {
    name: 'vouches for one that forgot though it has promised',
    start: sabotage({
      effects: (effects, { state }) =>
        effects.map((effect) =>
          effect.kind === 'send' && effect.message.kind === 'beat'
            ? {
                ...effect,
                message: { ...effect.message, vouches: state.asking.filter((nonce) => nonce !== null) },
              }
            : effect,
        ),
    }),
    fault: 'amnesia',
    rules: ['promise §9 vouches'],
  },
  {
    name: 'takes itself for one that forgot',
    start: sabotage({ records: (records) => records.filter(({ kind }) => kind !== 'vote') }),
    fault: 'crash',
    rules: ['promise §9 remembers'],
  },
  {
    name: 'answers for a slot beside the right one',
    start: sabotage({
      effects: (effects) =>
        effects.map((effect) =>
          effect.kind === 'answer' && effect.outcome.kind === 'chosen'
            ? { ...effect, outcome: { ...effect.outcome, slot: effect.outcome.slot - 1 } }
            : effect,
        ),
    }),
    rules: ['choice §9 answered'],
  },
  {
    name: 'executes a request each time that it is chosen',
    start: sabotage({
      effects: (effects) =>
        effects.map((effect) => (effect.kind === 'chosen' ? { ...effect, executes: true } : effect)),
    }),
    fault: 'all',
    rules: ['log §9 once', 'log §9 state'],
  },
  {
    name: 'leaves a slot out',
    start: sabotage({
      effects: (effects) => effects.filter((effect) => effect.kind !== 'chosen' || effect.slot % 7 !== 0),
    }),
    rules: ['log §9 in order'],
  },
  {
    name: 'makes its snapshots of another state',
    start: sabotage({
      effects: (effects) =>
        effects.map((effect) =>
          effect.kind === 'install'
            ? { ...effect, snapshot: { ...effect.snapshot, state: new Uint8Array(16) } }
            : effect,
        ),
    }),
    fault: 'crash',
    rules: ['log §9 state', 'log §9 in order'],
  },
  {
    name: 'says that more is chosen than is',
    start: sending((message) =>
      message.kind === 'beat' ? { ...message, prefix: message.prefix + 1 } : message,
    ),
    rules: ['choice §9 prefix'],
  },
  {
    name: 'never answers one of the clients',
    start: sabotage({
      effects: (effects) =>
        effects.filter(
          (effect) => effect.kind !== 'answer' || effect.client !== 'client-3' || effect.sequence < 5,
        ),
    }),
    rules: ['log §9 answered in the end'],
  },
  {
    name: 'never catches up',
    start: sabotage({
      step: ({ config, step }, input) => (config.self === 2 && input.kind !== 'time' ? [] : step(input)),
    }),
    rules: ['log §9 caught up in the end'],
  },
  {
    name: 'never lets an amnesiac in again',
    start: sabotage({
      step: ({ step, state }, input) => {
        state.asking.fill(null);
        return step(
          input.kind === 'received' && input.message.kind === 'beat'
            ? { ...input, message: { ...input.message, nonce: null } }
            : input,
        );
      },
    }),
    fault: 'amnesia',
    rules: ['log §9 lets in in the end'],
  },
  {
    name: 'keeps all that it ever heard',
    start: sabotage({
      step: ({ state, step }, input) => {
        const hoard = state as { hoard?: object[] };
        hoard.hoard = [...(hoard.hoard ?? []), input];
        return step(input);
      },
    }),
    commands: 1_500,
    rules: ['memory §11 limit'],
  },
];

test.each(cases)(
  'a device that $name',
  ({ start, group = 'three', fault = 'none', commands = COMMANDS, rules }) => {
    const found = new Set<string>();
    for (let seed = 1; seed <= SEEDS && !rules.some((rule) => found.has(rule)); seed += 1) {
      const run = simulatePaxos({ seed: `sabotage ${seed}`, group, fault, commands, start });
      for (const { checker, rule } of run.violations) found.add(`${checker} ${rule}`);
    }
    expect([...found]).toEqual(expect.arrayContaining([expect.toBeOneOf([...rules])]));
  },
);
