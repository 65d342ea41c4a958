/** What people are told of a device of Simplified Paxos, and what they are spared. */
import { beforeEach, expect, test } from 'vitest';
import type { PaxosStatus } from '../../src/core/paxos/types.js';
import { OrderWords } from '../../src/process/order-words.js';
import { HandClock } from '../support/hand-clock.js';

let clock: HandClock;
let told: string[];
let words: OrderWords;

function open(isEmpty: boolean): OrderWords {
  return new OrderWords({
    name: 'replica a',
    devices: ['a', 'b', 'c'],
    place: '/state',
    isEmpty,
    clock,
    tell: (level, text) => told.push(`${level} ${text}`),
  });
}

const status = (over: Partial<PaxosStatus>): PaxosStatus => ({
  role: 'follows',
  leader: 1,
  ballot: 4,
  incarnation: 1,
  quorum: 0b111,
  waits: null,
  ...over,
});

const amnesia = (members: number): PaxosStatus =>
  status({ role: 'amnesiac', incarnation: 0, waits: { for: members, why: 'admission' } });

const majority = (members: number): PaxosStatus => status({ waits: { for: members, why: 'majority' } });

beforeEach(() => {
  clock = new HandClock();
  told = [];
  words = open(true);
});

test('an empty store is told when it stays so, with its place and for whom it waits, and when it has a voice', () => {
  words.note(amnesia(0b110));
  clock.moveTo(1_900_000);
  expect(told).toEqual([]);
  clock.moveTo(2_000_000);
  expect(told).toEqual([
    'warn replica a: its store in /state is empty. It neither promises nor votes until it is admitted by b and c, which they do by themselves. Start those that do not run; restore no copy of the folder, as it would break promises made since',
  ]);
  words.note(status({ incarnation: 3 }));
  expect(told.slice(1)).toEqual([
    'info replica a: its store in /state was empty, and the others have admitted it as incarnation 3: it promises and votes again',
  ]);
});

test('whom an empty store still waits for is told when that lasts', () => {
  words.note(amnesia(0b110));
  clock.moveTo(2_000_000);
  words.note(amnesia(0b100));
  clock.moveTo(3_900_000);
  expect(told).toHaveLength(1);
  clock.moveTo(4_000_000);
  expect(told.at(-1)).toContain('until it is admitted by c, ');
  expect(told).toHaveLength(2);
});

test('a new rig is told as one', () => {
  words.note(amnesia(0b110));
  words.note(status({ incarnation: 1 }));
  clock.moveTo(5_000_000);
  expect(told).toEqual([
    'info replica a: this rig is new, as no device has promised anything yet; its store is in /state from now on',
  ]);
});

test('a store that is older than the word of its device is not called empty', () => {
  words = open(false);
  words.note(amnesia(0b010));
  clock.moveTo(2_000_000);
  expect(told[0]).toContain('its store in /state is older than what this device has promised');
  words.note(status({ incarnation: 2 }));
  expect(told[1]).toContain(
    'was older than what it had promised, and the others have admitted it as incarnation 2',
  );
});

test('a wait is told when it has lasted, once, and its end', () => {
  words.note(majority(0b110));
  clock.moveTo(500_000);
  words.note(status({}));
  words.note(majority(0b110));
  clock.moveTo(1_400_000);
  expect(told).toEqual([]);
  clock.moveTo(1_600_000);
  expect(told).toEqual([
    'warn replica a: no command can be chosen until it hears b or c; start what does not run, and look at the network and at the keys',
  ]);
  words.note(majority(0b110));
  clock.moveTo(5_000_000);
  words.note(status({}));
  expect(told.slice(1)).toEqual(['info replica a: commands can be chosen again']);
});

test('of the operational quorum all that are waited for are named as needed', () => {
  words.note(status({ waits: { for: 0b011, why: 'operational-quorum' } }));
  clock.moveTo(1_000_000);
  expect(told[0]).toContain('until it hears a and b;');
});

test('who leads is told when it begins', () => {
  words.note(status({ role: 'prepares' }));
  words.note(status({ role: 'leads', ballot: 6 }));
  words.note(status({ role: 'leads', ballot: 6, quorum: 0b011 }));
  expect(told).toEqual(['info replica a leads the order of commands, with ballot 6']);
});

test('a store that refuses is told with what follows, and no wait after it', () => {
  words.note(majority(0b110));
  words.noteRefusal({ code: 'disk-full', message: '/state: the disk answers ENOSPC; make room' });
  clock.moveTo(5_000_000);
  expect(told).toEqual([
    'error replica a: its store takes nothing more: /state: the disk answers ENOSPC; make room. Until this process is started again it neither promises nor votes, and follows what the others choose',
  ]);
});
