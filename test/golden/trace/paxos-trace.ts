/**
 * A run of Paxos devices as lines: what each keeps, says, knows to be chosen, executes and answers, in the order in which it happens. Beats,
 * and what is said a second time for want of an answer, are left out.
 */
import type {
  Entry,
  Members,
  PaxosEffect,
  PaxosMessage,
  PaxosRecord,
} from '../../../src/core/paxos/types.js';
import { listMembers } from '../../../src/core/paxos/run.js';
import { describeEntry, type PaxosWorld } from '../../support/paxos-world.js';
import { listWords, pad, type Page } from './page.js';

const VERB = 9;

export class PaxosTrace {
  private seen = new Set<string>();

  constructor(
    private readonly page: Page,
    private readonly world: PaxosWorld,
    /** By replica: its name in the source. */
    private readonly names: readonly string[],
    private readonly client: string,
  ) {
    world.watch = (device, effect): void => this.draw(device, effect);
  }

  /** Begins a part; what is said again in it is written again. */
  heading(text: string): void {
    this.page.heading(text);
    this.seen = new Set();
  }

  /** Something that happens to the rig. */
  happens(text: string): void {
    this.page.line(`  * ${text}`);
  }

  /** The names of some devices. */
  name(members: Members): string {
    const names = listMembers(this.names.length, members).map((index) => this.nameOf(index));
    return `{${names.sort().join(', ')}}`;
  }

  private draw(device: number, effect: PaxosEffect): void {
    const [verb, text] = this.describe(device, effect);
    if (text === '') return;
    const line = `  ${pad(this.nameOf(device), 3)} ${pad(verb, VERB)} ${text}`;
    if (this.seen.has(line)) return;
    this.seen.add(line);
    this.page.line(line);
  }

  private describe(device: number, effect: PaxosEffect): readonly [string, string] {
    switch (effect.kind) {
      case 'persist':
        return ['keeps', this.describeRecord(effect.record)];
      case 'send':
        return [`→ ${this.nameOf(effect.to)}`, this.describeMessage(effect.message)];
      case 'answer':
        return [`→ ${this.client}`, this.describeAnswer(device, effect)];
      case 'chosen':
        return effect.entry.kind === 'command'
          ? ['executes', `${describeEntry(effect.entry)}, chosen for slot ${effect.slot}`]
          : ['knows', `${this.describeEntry(effect.entry)}, chosen for slot ${effect.slot}`];
      case 'status': {
        const { waits } = effect.status;
        return ['waits', waits === null ? '' : `for ${this.name(waits.for)}: ${waits.why}`];
      }
      case 'install':
      case 'take-snapshot':
        return ['', ''];
    }
  }

  private describeAnswer(
    device: number,
    { sequence, outcome }: Extract<PaxosEffect, { kind: 'answer' }>,
  ): string {
    const entry = outcome.kind === 'chosen' ? this.world.device(device).chosen.get(outcome.slot) : undefined;
    switch (outcome.kind) {
      case 'chosen':
        return `${entry === undefined ? `request ${sequence}` : describeEntry(entry)} is chosen, slot ${outcome.slot}`;
      case 'waits':
        return `nothing can be chosen until one of ${this.name(outcome.for)} is back`;
      default:
        return outcome.kind;
    }
  }

  private describeRecord(record: PaxosRecord): string {
    switch (record.kind) {
      case 'promise':
        return `promise ${record.ballot}`;
      case 'vote':
        return `vote ${record.ballot} for slot ${record.slot}: ${this.describeEntry(record.entry)}`;
      case 'entry':
        return `slot ${record.slot}: ${this.describeEntry(record.entry)}`;
      case 'witness': {
        const { change, promised } = record;
        const vote =
          change === null
            ? ''
            : `, vote ${change.ballot} for slot ${change.slot}: ${this.name(change.quorum)}`;
        return `promise ${promised}${vote}`;
      }
      case 'prefix':
      case 'snapshot':
      case 'stamp':
        return '';
    }
  }

  private describeMessage(message: PaxosMessage): string {
    switch (message.kind) {
      case 'prepare':
        return `prepare ${message.ballot}, slots ${message.from} and all above`;
      case 'promise':
        return `promise ${message.ballot}, knows slots to ${message.prefix}, ${listVotes(message.votes.map(({ slot, ballot, entry }) => `slot ${slot} ${this.describeEntry(entry)} at ${ballot}`))}`;
      case 'witness-promise': {
        const { change } = message;
        return `promise ${message.ballot}, ${listVotes(change === null ? [] : [`slot ${change.slot} ${this.name(change.quorum)} at ${change.ballot}`])}`;
      }
      case 'propose':
        return `propose ${message.ballot}, slot ${message.slot}: ${this.describeEntry(message.entry)}${message.hasVote ? ', and vote for it' : ''}`;
      case 'propose-change': {
        const { ballot, slot, quorum } = message.change;
        return `propose ${ballot}, slot ${slot}: ${this.name(quorum)}, and vote for it`;
      }
      case 'vote':
        return `vote ${message.ballot}, slot ${message.from === message.slot ? message.slot : `${message.from} to ${message.slot}`}`;
      case 'refuse':
        return `refuse ${message.ballot}: promised ${message.promised}`;
      case 'entries':
        return `slots from ${message.from}: ${listWords(message.entries.map((entry) => this.describeEntry(entry)))}`;
      case 'fetch':
        return `what is chosen from slot ${message.from} on?`;
      case 'beat':
      case 'admit':
      case 'snapshot':
        return '';
    }
  }

  private describeEntry(entry: Entry): string {
    return entry.kind === 'quorum' ? `quorum ${this.name(entry.members)}` : describeEntry(entry);
  }

  private nameOf(index: number): string {
    return this.names[index] ?? `${index}`;
  }
}

function listVotes(votes: readonly string[]): string {
  return votes.length === 0 ? 'no vote' : `voted ${votes.join('; ')}`;
}
