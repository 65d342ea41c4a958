/**
 * What people are told of a device of Simplified Paxos: when its memory is gone and for whom it waits, when it has a voice
 * again, and when nothing can be chosen. Waits that pass by themselves in a moment are not told: those of a new rig are of
 * that kind. It decides nothing.
 */
import { listMembers } from '../core/paxos/run.js';
import type { Members, PaxosStatus, Waits } from '../core/paxos/types.js';
import type { Cancel, Clock, Principal, StoreRefusal } from '../ports.js';

export interface OrderWordsParts {
  /** As people call the device: "replica a". */
  readonly name: string;
  /** By index. */
  readonly devices: readonly Principal[];
  /** Where its store is, and whether there was none when it started. */
  readonly place: string;
  readonly isEmpty: boolean;
  readonly clock: Clock;
  readonly tell: (level: 'info' | 'warn' | 'error', text: string) => void;
}

/** A wait is told when it has lasted so long; one for admission, which a new rig has too, later. */
const PATIENCE_US = 1_000_000;
const ADMISSION_PATIENCE_US = 2_000_000;
const PATIENCE_SLACK_US = 50_000;

/** Tells of one device, each thing once until it changes. */
export class OrderWords {
  private before: PaxosStatus | null = null;
  /** For whom it was told to wait. */
  private toldOf: Members | null = null;
  private cancel: Cancel | null = null;

  constructor(private readonly parts: OrderWordsParts) {}

  /** The device stands like this now. */
  note(status: PaxosStatus): void {
    const { before, parts } = this;
    this.before = status;
    const isAmnesiac = status.role === 'amnesiac';
    const wasAmnesiac = before?.role === 'amnesiac';
    if (isAmnesiac !== wasAmnesiac) this.endWait(false);
    if (!isAmnesiac && wasAmnesiac) parts.tell('info', `${parts.name}: ${this.describeVoice(status)}`);
    if (status.role === 'leads' && before?.role !== 'leads')
      parts.tell('info', `${parts.name} leads the order of commands, with ballot ${status.ballot}`);
    if (status.waits === null) this.endWait(!isAmnesiac);
    else if (status.waits.for !== this.toldOf)
      this.beginWait(isAmnesiac ? ADMISSION_PATIENCE_US : PATIENCE_US);
  }

  /** Its store takes nothing any more. */
  noteRefusal({ message }: StoreRefusal): void {
    const { name, tell } = this.parts;
    this.stop();
    tell(
      'error',
      `${name}: its store takes nothing more: ${message}. Until this process is started again it neither promises nor votes, and follows what the others choose`,
    );
  }

  /** Nothing is told any more. */
  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private beginWait(patienceUs: number): void {
    const { clock } = this.parts;
    this.cancel ??= clock.schedule(
      clock.nowUs() + patienceUs,
      () => {
        this.cancel = null;
        if (this.before?.waits) this.tellWait(this.before, this.before.waits);
      },
      PATIENCE_SLACK_US,
    );
  }

  private endWait(isOver: boolean): void {
    const { name, tell } = this.parts;
    this.stop();
    if (isOver && this.toldOf !== null) tell('info', `${name}: commands can be chosen again`);
    this.toldOf = null;
  }

  private tellWait(status: PaxosStatus, waits: Waits): void {
    const { name, tell } = this.parts;
    if (waits.for === this.toldOf) return;
    if (status.role === 'amnesiac') {
      this.tellAmnesia(status);
      return;
    }
    this.toldOf = waits.for;
    // Of the operational quorum all are needed, of others one.
    const whom = this.list(waits.for, waits.why === 'operational-quorum' ? 'and' : 'or');
    tell(
      'warn',
      `${name}: no command can be chosen until it hears ${whom}; start what does not run, and look at the network and at the keys`,
    );
  }

  private tellAmnesia({ waits }: PaxosStatus): void {
    const { name, place, isEmpty, tell } = this.parts;
    this.toldOf = waits?.for ?? null;
    const what = isEmpty ? 'is empty' : 'is older than what this device has promised';
    const whom = waits === null ? '' : ` by ${this.list(waits.for, 'and')}`;
    tell(
      'warn',
      `${name}: its store in ${place} ${what}. It neither promises nor votes until it is admitted${whom}, which they do by themselves. ` +
        'Start those that do not run; restore no copy of the folder, as it would break promises made since',
    );
  }

  private describeVoice({ incarnation }: PaxosStatus): string {
    const { place, isEmpty } = this.parts;
    return incarnation === 1
      ? `this rig is new, as no device has promised anything yet; its store is in ${place} from now on`
      : `its store in ${place} was ${isEmpty ? 'empty' : 'older than what it had promised'}, and the others have admitted it as incarnation ${incarnation}: it promises and votes again`;
  }

  private list(members: Members, joint: 'and' | 'or'): string {
    const { devices } = this.parts;
    const names = listMembers(devices.length, members).map((at) => devices[at] ?? String(at));
    const last = names.pop() ?? '';
    return names.length === 0 ? last : `${names.join(', ')} ${joint} ${last}`;
  }
}
