/**
 * A few Paxos devices in virtual time, driven by the contract of `types.ts`: what follows a record with a barrier is held back
 * until a flush has made it durable, and one flush serves all that waits. Messages take a delay and can be looked at or
 * lost; a device can be stopped at any time and started again from what is durable. No chance takes part.
 */
import { PAXOS_DEFAULTS } from '../../src/core/paxos/defaults.js';
import { recoverPaxos } from '../../src/core/paxos/recover.js';
import type { PaxosState } from '../../src/core/paxos/state.js';
import { stepPaxos } from '../../src/core/paxos/paxos.js';
import { isAheadOfVote } from '../../src/core/paxos/run.js';
import { readHeldUntilUs } from '../../src/core/paxos/sparing.js';
import type {
  Entry,
  Outcome,
  PaxosConfig,
  PaxosEffect,
  PaxosInput,
  PaxosMessage,
  PaxosRecord,
  Slot,
} from '../../src/core/paxos/types.js';
import { toHex } from '../../src/core/bytes.js';
import { toBytes, toText } from './toy-codec.js';

/** A message under way, or one to a client (`to` −1). */
export interface Letter {
  readonly from: number;
  readonly to: number;
  readonly message: PaxosMessage;
  readonly dueUs: number;
}

export interface ClientAnswer {
  readonly from: number;
  readonly client: string;
  readonly sequence: number;
  readonly outcome: Outcome;
  readonly atUs: number;
}

export interface WorldDevice {
  readonly config: PaxosConfig;
  state: PaxosState;
  up: boolean;
  /** Durable ones. */
  records: PaxosRecord[];
  /** Records without a barrier that wait for the next flush. */
  unsynced: PaxosRecord[];
  /** Effects that wait for a flush, and when it is done. */
  held: PaxosEffect[];
  flushedUs: number;
  readonly effects: PaxosEffect[];
  /** Chosen slots that were told, of all lives. */
  readonly chosen: Map<Slot, Entry>;
  /** Executed values, of all lives of its state. */
  executed: string[];
  life: number;
}

export const DELAY_US = 1_000;

/** A digest for tests: the text itself, shortened. */
export function digestTexts(from: Slot, entries: readonly Entry[]): Uint8Array {
  const text = [String(from), ...entries.map(describeEntry)].join('|');
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619) >>> 0;
  return toBytes(hash.toString(16).padStart(8, '0'));
}

/** An entry in a word or two. */
export function describeEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'command':
      return toText(entry.request.value);
    case 'nothing':
      return '–';
    case 'quorum':
      return `quorum ${entry.members.toString(2)}`;
    case 'incarnation':
      return `incarnation ${entry.incarnation} of ${entry.replica} ${toHex(entry.nonce)}`;
  }
}

/** Settings of one device. */
export function paxosConfig(self: number, changes: Partial<PaxosConfig> = {}): PaxosConfig {
  return {
    ...PAXOS_DEFAULTS,
    n: 3,
    self,
    witness: null,
    nonce: Uint8Array.of(self, 1),
    digestEntries: digestTexts,
    ...changes,
  };
}

/** What a store holds that has been provisioned and never used. */
export function provisioned(config: PaxosConfig): PaxosRecord[] {
  return config.self === config.witness
    ? [{ kind: 'witness', incarnation: 1, promised: 0, change: null }]
    : [{ kind: 'stamp', incarnation: 1, since: 0 }];
}

export class PaxosWorld {
  nowUs = 0;
  readonly devices: WorldDevice[];
  letters: Letter[] = [];
  readonly answers: ClientAnswer[] = [];
  /** Every message that was sent, lost ones too. */
  readonly sent: Letter[] = [];
  /** When a message arrives, after how long; null: never. */
  delay: (letter: Letter) => number | null = () => DELAY_US;
  /** How long a flush takes; 0: every record is durable at once. */
  flushUs = 0;
  /** Told of everything that a device does. */
  watch: (device: number, effect: PaxosEffect) => void = () => undefined;

  constructor(
    n: number,
    changes: Partial<PaxosConfig> = {},
    records: (config: PaxosConfig) => readonly PaxosRecord[] = provisioned,
  ) {
    this.devices = Array.from({ length: n }, (_, self) => {
      const config = paxosConfig(self, { n, ...changes });
      const device: WorldDevice = {
        config,
        state: recoverPaxos(config, [], 0).state,
        up: false,
        records: [...records(config)],
        unsynced: [],
        held: [],
        flushedUs: Infinity,
        effects: [],
        chosen: new Map(),
        executed: [],
        life: 0,
      };
      return device;
    });
    for (let self = 0; self < n; self += 1) this.start(self);
  }

  device(index: number): WorldDevice {
    const device = this.devices[index];
    if (device === undefined) throw new Error(`there is no device ${index}`);
    return device;
  }

  /** Starts a device from its records, or from those that are given. */
  start(index: number, records: readonly PaxosRecord[] = this.device(index).records): void {
    const device = this.device(index);
    device.life += 1;
    const config = { ...device.config, nonce: Uint8Array.of(index, device.life) };
    Object.assign(device, { config });
    device.records = [...records];
    device.unsynced = [];
    device.held = [];
    device.flushedUs = Infinity;
    const { state, effects } = recoverPaxos(config, records, this.nowUs);
    device.state = state;
    device.up = true;
    device.executed = [];
    this.carryOut(index, effects);
  }

  /** A device stops at once; of the records that wait for a flush, the first few may be durable all the same. */
  stop(index: number, luckyRecords = 0): void {
    const device = this.device(index);
    device.up = false;
    const waiting = [...device.unsynced, ...listRecords(device.held)];
    device.records.push(...waiting.slice(0, luckyRecords));
    device.unsynced = [];
    device.held = [];
    device.flushedUs = Infinity;
  }

  request(to: number, client: string, sequence: number, value: string): void {
    this.step(to, {
      kind: 'request',
      nowUs: this.nowUs,
      request: { client, sequence, value: toBytes(value) },
    });
  }

  step(index: number, input: PaxosInput): void {
    const device = this.device(index);
    if (!device.up) return;
    const { state, effects } = stepPaxos(device.config, device.state, input);
    device.state = state;
    this.carryOut(index, effects);
  }

  /** Lets time pass: messages arrive when they are due, every device is told the time every 5 ms. */
  run(forUs: number, until: () => boolean = () => false): boolean {
    const endUs = this.nowUs + forUs;
    while (this.nowUs < endUs) {
      if (until()) return true;
      const tickUs = (Math.floor(this.nowUs / 5_000) + 1) * 5_000;
      const nextTimeUs = this.devices.reduce((least, { up, state }) => {
        const heldUntilUs = (up ? readHeldUntilUs(state) : null) ?? Infinity;
        return heldUntilUs > this.nowUs ? Math.min(least, heldUntilUs) : least;
      }, tickUs);
      const dueUs = this.letters.reduce((least, letter) => Math.min(least, letter.dueUs), Infinity);
      const flushed = this.devices.reduce((least, device) => Math.min(least, device.flushedUs), Infinity);
      if (Math.min(dueUs, flushed) <= Math.min(nextTimeUs, endUs)) {
        this.nowUs = Math.max(this.nowUs, Math.min(dueUs, flushed));
        if (flushed <= dueUs) this.flush(this.devices.findIndex((device) => device.flushedUs === flushed));
        else this.deliver(this.letters.findIndex((letter) => letter.dueUs === dueUs));
      } else {
        this.nowUs = Math.min(nextTimeUs, endUs);
        for (let index = 0; index < this.devices.length; index += 1)
          this.step(index, { kind: 'time', nowUs: this.nowUs });
      }
    }
    return until();
  }

  /** One message arrives now. */
  deliver(at: number): void {
    const [letter] = this.letters.splice(at, 1);
    if (letter === undefined) return;
    const { from, to, message } = letter;
    this.step(to, { kind: 'received', nowUs: this.nowUs, from, message });
  }

  /** The one that leads, as it says itself; −1 for none. */
  leader(): number {
    return this.devices.findIndex(({ up, state }) => up && state.leadership?.phase === 'leads');
  }

  /** What waits becomes durable, and leaves. */
  flush(index: number): void {
    const device = this.device(index);
    const held = device.held;
    device.held = [];
    device.flushedUs = Infinity;
    device.records.push(...device.unsynced, ...listRecords(held));
    device.unsynced = [];
    for (const effect of held) this.release(index, effect);
  }

  carryOut(index: number, effects: readonly PaxosEffect[]): void {
    const device = this.device(index);
    for (const effect of effects) {
      if (effect.kind === 'send' && isAheadOfVote(effect.message) && !device.held.some(holdsBackAll)) {
        this.release(index, effect);
        continue;
      }
      const isBarrier = effect.kind === 'persist' && effect.barrier;
      if (this.flushUs > 0 && (isBarrier || device.held.length > 0)) {
        device.held.push(effect);
        if (device.flushedUs === Infinity) device.flushedUs = this.nowUs + this.flushUs;
        continue;
      }
      if (effect.kind === 'persist')
        (this.flushUs > 0 ? device.unsynced : device.records).push(effect.record);
      this.release(index, effect);
    }
  }

  private release(index: number, effect: PaxosEffect): void {
    const device = this.device(index);
    device.effects.push(effect);
    this.watch(index, effect);
    switch (effect.kind) {
      case 'persist':
      case 'status':
        break;
      case 'send': {
        const letter = { from: index, to: effect.to, message: effect.message, dueUs: this.nowUs };
        this.sent.push(letter);
        const delayUs = this.delay(letter);
        if (delayUs !== null) this.letters.push({ ...letter, dueUs: this.nowUs + delayUs });
        break;
      }
      case 'answer': {
        const { client, sequence, outcome } = effect;
        this.answers.push({ from: index, client, sequence, outcome, atUs: this.nowUs });
        break;
      }
      case 'chosen':
        noteChosen(device, effect.slot, effect.entry, effect.executes);
        break;
      case 'install':
        device.executed = toText(effect.snapshot.state).split(' ').filter(Boolean);
        break;
      case 'take-snapshot': {
        const state = toBytes(device.executed.join(' '));
        this.step(index, { kind: 'snapshot-taken', nowUs: this.nowUs, slot: effect.slot, state });
        break;
      }
    }
  }

  /** Slots for which two devices, or two lives of one, were told different entries. */
  disagreements(): readonly Slot[] {
    const seen = new Map<Slot, string>();
    const wrong: Slot[] = [];
    for (const { chosen } of this.devices)
      for (const [slot, entry] of chosen) {
        const text = describeEntry(entry);
        if ((seen.get(slot) ?? text) !== text) wrong.push(slot);
        seen.set(slot, text);
      }
    return wrong;
  }
}

/** A record that also a proposal ahead of its vote waits for. */
function holdsBackAll(effect: PaxosEffect): boolean {
  return effect.kind === 'persist' && effect.barrier && effect.record.kind !== 'vote';
}

function listRecords(effects: readonly PaxosEffect[]): readonly PaxosRecord[] {
  return effects.flatMap((effect) => (effect.kind === 'persist' ? [effect.record] : []));
}

function noteChosen(device: WorldDevice, slot: Slot, entry: Entry, executes: boolean): void {
  const known = device.chosen.get(slot);
  if (known !== undefined && describeEntry(known) !== describeEntry(entry))
    throw new Error(`slot ${slot} was ${describeEntry(known)} and is ${describeEntry(entry)} now`);
  device.chosen.set(slot, entry);
  if (entry.kind === 'command' && executes) device.executed.push(describeEntry(entry));
}
