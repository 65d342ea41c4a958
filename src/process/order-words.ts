/**
 * What people are told of a device of Simplified Paxos: when its memory is gone and for whom it waits, when it has a voice
 * again, and when nothing can be chosen. It decides nothing.
 */
import { listMembers } from '../core/paxos/run.js';
import type { Members, PaxosStatus } from '../core/paxos/types.js';
import type { Principal, StoreRefusal } from '../ports.js';

export interface OrderWordsParts {
  /** As people call the device: "replica a". */
  readonly name: string;
  /** By index. */
  readonly devices: readonly Principal[];
  /** Where its store is, and whether there was none when it started. */
  readonly place: string;
  readonly isEmpty: boolean;
  readonly tell: (level: 'info' | 'warn' | 'error', text: string) => void;
}

/** Tells of one device, each thing once until it changes. */
export class OrderWords {
  private before: PaxosStatus | null = null;

  constructor(private readonly parts: OrderWordsParts) {}

  /** The device stands like this now. */
  note(status: PaxosStatus): void {
    const { before } = this;
    this.before = status;
    const { name, tell } = this.parts;
    if (status.role === 'amnesiac') {
      if (before?.role !== 'amnesiac' || before.waits?.for !== status.waits?.for)
        tell('warn', `${name}: ${this.describeAmnesia(status)}`);
      return;
    }
    if (before?.role === 'amnesiac') tell('info', `${name}: ${this.describeVoice(status)}`);
    if (status.role === 'leads' && before?.role !== 'leads')
      tell('info', `${name} leads the order of commands, with ballot ${status.ballot}`);
    const { waits } = status;
    if (waits !== null && waits.for !== before?.waits?.for)
      tell(
        'warn',
        `${name}: no command can be chosen until it hears ${this.name(waits.for, waits.why)}; start it, or look at the network and at its keys`,
      );
    else if (waits === null && before !== null && before.role !== 'amnesiac' && before.waits !== null)
      tell('info', `${name}: commands can be chosen again`);
  }

  /** Its store takes nothing any more. */
  noteRefusal({ message }: StoreRefusal): void {
    const { name, tell } = this.parts;
    tell(
      'error',
      `${name}: its store takes nothing more: ${message}. Until this process is started again it neither promises nor votes, and follows what the others choose`,
    );
  }

  private describeAmnesia({ waits }: PaxosStatus): string {
    const { place, isEmpty } = this.parts;
    const what = isEmpty
      ? `its store in ${place} is empty`
      : `its store in ${place} is older than what this device has promised`;
    const whom = waits === null ? 'the others' : this.name(waits.for, 'admission');
    return (
      `${what}. It neither promises nor votes until ${whom} have admitted it, and goes on by itself then. ` +
      'Start those that are missing; restore no copy of the folder, as it would break promises made since'
    );
  }

  private describeVoice({ incarnation }: PaxosStatus): string {
    const { place } = this.parts;
    return incarnation === 1
      ? `this rig is new: no device has promised anything yet. Its store is in ${place} from now on`
      : `the others have admitted it as incarnation ${incarnation}; it promises and votes again, and its store is in ${place}`;
  }

  private name(members: Members, why: NonNullable<PaxosStatus['waits']>['why']): string {
    const { devices } = this.parts;
    const names = listMembers(devices.length, members).map((at) => devices[at] ?? String(at));
    // Of the operational quorum all are needed, of others one.
    const last = names.pop() ?? '';
    const joint = why === 'operational-quorum' || why === 'admission' ? 'and' : 'or';
    return names.length === 0 ? last : `${names.join(', ')} ${joint} ${last}`;
  }
}
