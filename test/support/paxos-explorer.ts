/**
 * Every world that three devices can come to: from each world every message under way is delivered, in every order, any
 * device tries to lead, or is stopped and started again from its durable records, within a budget. A lost message is one that is
 * never delivered; a step that is cut off before its messages leave is one whose messages are never delivered, and a stop
 * right after it; and one that is cut off before its votes are durable has lost these, while what it proposed ahead of them
 * is under way. Device states, messages and worlds are numbered, and what a device does with a message is worked out
 * once. Two states are the same when they promise, vote, know and propose the same: what a device has heard of others when
 * bears on nothing where no time passes.
 *
 * In a world that is new, all stores are empty at first, devices send the beats by which they find that out, and may lose
 * their stores. There a message may arrive again and again, at any time, and nobody is told what it said in an earlier life.
 */
import { deserialize, serialize } from 'node:v8';
import { tryToLead } from '../../src/core/paxos/leader.js';
import { bit, followEntry, foundGovernance, isChosenBy } from '../../src/core/paxos/operational-quorum.js';
import { readPaxosBeat, stepPaxos } from '../../src/core/paxos/paxos.js';
import { recoverPaxos } from '../../src/core/paxos/recover.js';
import { isAheadOfVote } from '../../src/core/paxos/run.js';
import type { PaxosState } from '../../src/core/paxos/state.js';
import type {
  Beat,
  Entry,
  Members,
  PaxosConfig,
  PaxosEffect,
  PaxosInput,
  PaxosMessage,
  PaxosRecord,
} from '../../src/core/paxos/types.js';
import { describeEntry, paxosConfig, provisioned } from './paxos-world.js';
import { toBytes } from './toy-codec.js';

export interface Budget {
  /** By device: how often it tries to lead, each time with a request of its own client. */
  readonly tries: readonly number[];
  /** Whatever a leader says in a higher ballot is lost: one that is refused may try again and again. */
  readonly maxBallot: number;
  /** False: messages that only hand on what is chosen are all lost. */
  readonly catchesUp: boolean;
  /** Stops and starts in all. */
  readonly stops: number;
  /** Stores lost in all, in a new world alone; the devices in `heirs` try to lead only when one is lost. */
  readonly wipes?: number;
  readonly heirs?: readonly number[];
  /** Of a new world: those who have founded themselves already; what was said until then is still under way. */
  readonly founded?: readonly number[];
  /** Worlds at most: the search fails beyond. */
  readonly worlds: number;
}

/** What kind of world it is. */
export interface Setting {
  /** Each replica takes every other for dead: only the witness is heard. */
  readonly apart?: boolean;
  /** All stores are empty at first. */
  readonly isNew?: boolean;
  /** Whom operators want in the operational quorum. */
  readonly wanted?: Members;
}

export interface Findings {
  readonly worlds: number;
  readonly transitions: number;
  /** Worlds in which some slot is chosen. */
  readonly chosenWorlds: number;
  /** By what was chosen for slots 1, 2, …: in how many worlds. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What must never be; the search ends with the first. */
  readonly violation: string | null;
}

interface Device {
  readonly self: number;
  /** Of its process; the nonce that it shows goes with it. */
  readonly life: number;
  readonly state: PaxosState;
  readonly records: readonly PaxosRecord[];
}

interface Letter {
  readonly from: number;
  readonly to: number;
  readonly message: PaxosMessage;
}

/** What one step of one device comes to, in numbers. */
interface Result {
  readonly device: number;
  readonly letters: readonly number[];
  readonly votes: readonly number[];
  /** The same, stopped before its votes were durable; null where nothing left ahead of them. */
  readonly cut: Result | null;
}

interface World {
  readonly devices: readonly number[];
  readonly letters: readonly number[];
  /** Every vote that was ever durable. */
  readonly votes: readonly number[];
  readonly tries: readonly number[];
  readonly stops: number;
  readonly wipes: number;
}

interface CastVote {
  readonly device: number;
  readonly slot: number;
  readonly ballot: number;
  /** Null: of a witness, by digest. */
  readonly entry: Entry | null;
}

interface Group {
  readonly slot: number;
  readonly entry: Entry;
  members: Members;
}

/** Gives equal things equal numbers. */
class Numbers<T> {
  private readonly known = new Map<string, number>();
  readonly items: T[] = [];

  of(item: T, key: string): number {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.known.set(key, this.items.length);
    this.items.push(item);
    return this.items.length - 1;
  }

  at(number: number): T {
    const item = this.items[number];
    if (item === undefined) throw new Error(`nothing has number ${number}`);
    return item;
  }
}

const CATCH_UP: ReadonlySet<PaxosMessage['kind']> = new Set(['fetch', 'entries', 'snapshot']);
const NOW_US = 0;
const NEVER_US = 2 ** 40;
const NO_NEWS = { promised: 0, leads: false, prefix: 0, votedFrom: 1, votedTo: 0, heard: [] } as const;

export class Explorer {
  private readonly apart: boolean;
  private readonly isNew: boolean;
  private readonly wanted: Members | null;
  private readonly configs: readonly PaxosConfig[];
  private readonly devices = new Numbers<Buffer>();
  private readonly letters = new Numbers<Letter>();
  private readonly votes = new Numbers<CastVote>();
  private readonly results = new Map<string, Result>();
  private readonly judged = new Map<string, string>();
  private readonly beats = new Map<number, Beat>();
  private readonly listed = new Map<number, readonly (readonly [number, string])[]>();

  private budget: Pick<Budget, 'catchesUp' | 'maxBallot'> = { catchesUp: true, maxBallot: 0 };

  constructor(changes: Partial<PaxosConfig>, { apart = false, isNew = false, wanted }: Setting = {}) {
    this.apart = apart;
    this.isNew = isNew;
    this.wanted = wanted ?? null;
    const quiet = { beatUs: null, silenceUs: NEVER_US, retryUs: NEVER_US, holdDownUs: NEVER_US };
    this.configs = [0, 1, 2].map((self) => paxosConfig(self, { ...quiet, ...changes }));
  }

  explore(budget: Budget): Findings {
    this.budget = budget;
    const start = (isNew: (self: number) => boolean): readonly number[] =>
      this.configs.map((config, self) => this.start(self, 0, isNew(self) ? [] : provisioned(config)).device);
    const tries = budget.tries.map(() => 0);
    const devices = start(() => this.isNew);
    const alike = this.addVouches({ devices, letters: [], votes: [], tries, stops: 0, wipes: 0 });
    const founded = budget.founded ?? [];
    const first = { ...alike, devices: start((self) => this.isNew && !founded.includes(self)) };
    const seen = new Set([keyOf(first)]);
    const open = [first];
    const outcomes = new Map<string, number>();
    let transitions = 0;
    for (let world = open.pop(); world !== undefined; world = open.pop()) {
      const chosen = this.judge(world);
      if (chosen.startsWith('!'))
        return { worlds: seen.size, transitions, chosenWorlds: 0, outcomes, violation: chosen };
      outcomes.set(chosen, (outcomes.get(chosen) ?? 0) + 1);
      for (const successor of this.successors(world, budget)) {
        const next = this.addVouches(successor);
        transitions += 1;
        const key = keyOf(next);
        if (seen.has(key)) continue;
        if (seen.size >= budget.worlds) throw new Error(`more than ${budget.worlds} worlds`);
        seen.add(key);
        open.push(next);
      }
    }
    const chosenWorlds = seen.size - (outcomes.get('') ?? 0);
    return { worlds: seen.size, transitions, chosenWorlds, outcomes, violation: null };
  }

  private *successors(world: World, budget: Budget): Generator<World> {
    for (const number of world.letters) {
      const { from, to, message } = this.letters.at(number);
      const letters = this.isNew ? world.letters : world.letters.filter((other) => other !== number);
      const rest = { ...world, letters };
      const result = this.remember(`${world.devices[to]} letter ${number}`, () =>
        this.step(world.devices[to] as number, { kind: 'received', nowUs: NOW_US, from, message }),
      );
      yield advance(rest, to, result);
      if (result.cut !== null && world.stops < budget.stops)
        yield advance({ ...rest, stops: world.stops + 1 }, to, result.cut);
    }
    for (const [self, limit] of budget.tries.entries()) {
      if ((world.tries[self] as number) >= limit) continue;
      if (world.wipes === 0 && budget.heirs?.includes(self) === true) continue;
      const times = (world.tries[self] as number) + 1;
      const result = this.remember(`${world.devices[self]} try ${times}`, () =>
        this.lead(self, world.devices[self] as number, times),
      );
      // It may not lead yet.
      if (this.isNew && result.device === world.devices[self]) continue;
      const tries = world.tries.map((count, index) => (index === self ? times : count));
      yield advance({ ...world, tries }, self, result);
    }
    if (world.stops < budget.stops)
      for (const [self, number] of world.devices.entries())
        yield advance({ ...world, stops: world.stops + 1 }, self, this.restart(self, number, 'stop'));
    if (world.wipes < (budget.wipes ?? 0))
      for (const [self, number] of world.devices.entries())
        yield advance({ ...world, wipes: world.wipes + 1 }, self, this.restart(self, number, 'wipe'));
  }

  private restart(self: number, number: number, how: 'stop' | 'wipe'): Result {
    return this.remember(`${number} ${how}`, () => {
      const { life, records } = this.load(number);
      const next = this.isNew ? life + 1 : life;
      return this.start(self, next, how === 'wipe' ? [] : records);
    });
  }

  private configOf({ self, life }: Pick<Device, 'self' | 'life'>): PaxosConfig {
    const config = this.configs[self];
    if (config === undefined) throw new Error(`there is no device ${self}`);
    return this.isNew ? { ...config, nonce: Uint8Array.of(self, life) } : config;
  }

  /** What is chosen for slots 1, 2, …, or a text that begins with `!` and says what is wrong. */
  private judge(world: World): string {
    const key = `${world.votes.join()} ${world.devices.join()}`;
    const known = this.judged.get(key);
    if (known !== undefined) return known;
    const result = this.judgeVotes(world);
    this.judged.set(key, result);
    return result;
  }

  private listChosen(number: number): readonly (readonly [number, string])[] {
    const known = this.listed.get(number);
    if (known !== undefined) return known;
    const { chosen } = this.load(number).state;
    const list = Array.from(chosen, ([slot, { entry }]) => [slot, describeEntry(entry)] as const);
    this.listed.set(number, list);
    return list;
  }

  private judgeVotes(world: World): string {
    const groups = new Map<string, Group>();
    // A witness votes for commands by their digest: for what the leader of that ballot voted for.
    const votes = world.votes.map((number) => this.votes.at(number));
    for (const { slot, ballot, device, entry } of [...votes].sort(
      (a, b) => Number(!a.entry) - Number(!b.entry),
    )) {
      const key = `${slot}@${ballot}`;
      const group = groups.get(key);
      if (group === undefined) {
        if (entry === null)
          return `! the witness votes for slot ${slot} in ballot ${ballot} before its leader`;
        groups.set(key, { slot, entry, members: bit(device) });
        continue;
      }
      if (entry !== null && describeEntry(entry) !== describeEntry(group.entry))
        return `! two values in ballot ${ballot} of slot ${slot}`;
      group.members |= bit(device);
    }
    return this.judgeGroups(world, [...groups.values()]);
  }

  /** Slot after slot, as what is chosen below says who may choose. */
  private judgeGroups(world: World, groups: readonly Group[]): string {
    const [config] = this.configs;
    if (config === undefined) throw new Error('no device');
    let governance = foundGovernance(config);
    const chosen = new Map<number, string>();
    for (let slot = 1; groups.some((group) => group.slot >= slot); slot += 1) {
      let entry: Entry | null = null;
      for (const group of groups) {
        if (group.slot !== slot || !isChosenBy(config, governance, group.members, group.entry)) continue;
        if (entry !== null && describeEntry(entry) !== describeEntry(group.entry))
          return `! slot ${slot}: ${describeEntry(entry)} and ${describeEntry(group.entry)} are chosen`;
        entry = group.entry;
      }
      if (entry === null && config.witness !== null) break;
      if (entry === null) continue;
      chosen.set(slot, describeEntry(entry));
      governance = followEntry(governance, slot, entry);
    }
    for (const number of world.devices)
      for (const [slot, value] of this.listChosen(number))
        if (chosen.get(slot) !== value) return `! slot ${slot}: ${value} is not chosen`;
    return [...chosen]
      .sort(([a], [b]) => a - b)
      .map(([slot, value]) => `${slot}:${value}`)
      .join(', ');
  }

  private remember(key: string, work: () => Result): Result {
    const known = this.results.get(key);
    if (known !== undefined) return known;
    const result = work();
    this.results.set(key, result);
    return result;
  }

  /** A device starts, and hears both others. */
  private start(self: number, life: number, records: readonly PaxosRecord[]): Result {
    const config = this.configOf({ self, life });
    const { state } = recoverPaxos(config, records, NOW_US);
    for (const from of [0, 1, 2])
      if (from !== self && !(this.apart && from !== config.witness)) {
        const message = { kind: 'fetch', incarnation: this.isNew ? 0 : 1, from: 2 ** 30 } as const;
        stepPaxos(config, state, { kind: 'received', nowUs: NOW_US, from, message });
      }
    if (this.wanted !== null)
      stepPaxos(config, state, { kind: 'wanted', nowUs: NOW_US, members: this.wanted });
    return this.result({ self, life, state, records }, []);
  }

  private lead(self: number, number: number, times: number): Result {
    const device = this.load(number);
    const { state } = device;
    const config = this.configOf(device);
    const effects: PaxosEffect[] = [];
    tryToLead({ config, state, nowUs: NOW_US, effects });
    const request = { client: `c${self}`, sequence: times, value: toBytes(`${'abc'[self]}${times}`) };
    effects.push(...stepPaxos(config, state, { kind: 'request', nowUs: NOW_US, request }).effects);
    return this.result(device, effects);
  }

  private step(number: number, input: PaxosInput): Result {
    const device = this.load(number);
    return this.result(device, stepPaxos(this.configOf(device), device.state, input).effects);
  }

  private result({ self, life, state, records }: Device, effects: readonly PaxosEffect[]): Result {
    const letters: number[] = [];
    const votes: number[] = [];
    const ahead: number[] = [];
    let durable = records;
    let firm = records;
    for (const effect of effects) {
      if (effect.kind === 'send' && this.isDelivered(effect.message)) {
        const letter = { from: self, to: effect.to, message: effect.message };
        // Not by its serialized bytes: a number that optimized code has made differs in them.
        const number = this.letters.of(letter, describe(letter));
        letters.push(number);
        if (isAheadOfVote(effect.message)) ahead.push(number);
      }
      if (effect.kind !== 'persist') continue;
      durable = replaceRecord(durable, effect.record);
      if (effect.record.kind !== 'vote') firm = replaceRecord(firm, effect.record);
      for (const vote of listVotes(self, effect.record))
        votes.push(this.votes.of(vote, JSON.stringify(vote)));
    }
    const cut = ahead.length === 0 ? null : { ...this.start(self, life, firm), letters: ahead };
    return { device: this.number({ self, life, state, records: durable }), letters, votes, cut };
  }

  /**
   * In a new world, whoever holds nothing vouches for all who ask: that it could also not have heard of them is the same
   * as that they never hear of it.
   */
  private addVouches(world: World): World {
    if (!this.isNew) return world;
    const letters = world.devices.flatMap((asker, to) => {
      const { nonce } = this.readBeat(asker);
      if (nonce === null) return [];
      return world.devices.flatMap((voucher, from) => {
        const { incarnation, vouches } = this.readBeat(voucher);
        if (from === to || vouches.length === 0) return [];
        const message: PaxosMessage = {
          kind: 'beat',
          incarnation,
          nonce: null,
          vouches: [nonce],
          ...NO_NEWS,
        };
        const letter = { from, to, message };
        return [this.letters.of(letter, describe(letter))];
      });
    });
    return { ...world, letters: union(world.letters, letters) };
  }

  /** What a device says that somebody asks. */
  private readBeat(number: number): Beat {
    const known = this.beats.get(number);
    if (known !== undefined) return known;
    const device = this.load(number);
    device.state.asking[device.self] = Uint8Array.of(0);
    const beat = readPaxosBeat(this.configOf(device), device.state);
    this.beats.set(number, beat);
    return beat;
  }

  private isDelivered(message: PaxosMessage): boolean {
    if (CATCH_UP.has(message.kind)) return this.budget.catchesUp;
    const ballot =
      message.kind === 'propose-change' ? message.change.ballot : 'ballot' in message ? message.ballot : 0;
    return ballot <= this.budget.maxBallot;
  }

  private number(device: Device): number {
    return this.devices.of(serialize(device), describeDevice(device));
  }

  private load(number: number): Device {
    return deserialize(this.devices.at(number)) as Device;
  }
}

function listVotes(device: number, record: PaxosRecord): readonly CastVote[] {
  if (record.kind === 'vote') {
    const { slot, ballot, entry } = record;
    return [{ device, slot, ballot, entry }];
  }
  if (record.kind !== 'witness' || record.change === null) return [];
  const { ballot, from, slot, quorum } = record.change;
  const votes: CastVote[] = [{ device, slot, ballot, entry: { kind: 'quorum', members: quorum } }];
  for (let below = from; below < slot; below += 1) votes.push({ device, slot: below, ballot, entry: null });
  return votes;
}

function advance(world: World, self: number, { device, letters, votes }: Result): World {
  return {
    ...world,
    devices: world.devices.map((old, index) => (index === self ? device : old)),
    letters: union(world.letters, letters),
    votes: union(world.votes, votes),
  };
}

function union(old: readonly number[], more: readonly number[]): readonly number[] {
  return more.length === 0 ? old : [...new Set([...old, ...more])].sort((a, b) => a - b);
}

function keyOf({ devices, letters, votes, tries, stops, wipes }: World): string {
  return `${devices.join()} ${letters.join()} ${votes.join()} ${tries.join()} ${stops} ${wipes}`;
}

/** A store keeps what no later record replaces, in an order of its own. */
function replaceRecord(records: readonly PaxosRecord[], record: PaxosRecord): readonly PaxosRecord[] {
  const name = (one: PaxosRecord): string =>
    one.kind === 'vote' || one.kind === 'entry' ? `slot ${String(one.slot).padStart(4, '0')}` : one.kind;
  const kept = records.filter((one) => name(one) !== name(record));
  const order = ['stamp', 'snapshot', 'slot', 'promise', 'prefix'];
  const rank = (one: PaxosRecord): number => order.indexOf(name(one).split(' ')[0] as string);
  return [...kept, record].sort((a, b) => rank(a) - rank(b) || (name(a) < name(b) ? -1 : 1));
}

/** All of a device that bears on what it promises, votes for, takes for chosen and proposes. */
function describeDevice({ self, life, state, records }: Device): string {
  const { incarnation, promised, votes, prefix, chosen, tallies, leadership, queue, seen, witness } = state;
  // When who was sent what tells nobody anything.
  const lead = leadership === null ? null : { ...leadership, sent: null, sparing: null };
  const parts = [
    self,
    incarnation,
    promised,
    votes,
    prefix,
    chosen,
    tallies,
    lead,
    queue,
    seen,
    witness,
    records,
    life,
    state.isBlank,
    state.vouchers,
    state.asking,
  ];
  return describe(parts);
}

/** Equal things, equal text. */
function describe(thing: unknown): string {
  return JSON.stringify(thing, (_, value: unknown) =>
    value instanceof Map ? [...(value as Map<number, unknown>)].sort(([a], [b]) => a - b) : value,
  );
}
