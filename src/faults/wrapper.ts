/**
 * What a fault is to the code: wrappers around the ports of the process that it strikes, of a replica or of an
 * actuator's voter. A fault wraps what it needs
 * and leaves the rest alone. Nothing under attack knows of it.
 */
import type { Entry, ReplicaIndex } from '../core/types.js';
import type {
  ActuatorPort,
  Cancel,
  Clock,
  CommandPort,
  FrameHandler,
  LogStore,
  OrderPort,
  PeerPort,
  Principal,
  Purpose,
  SensorPort,
} from '../ports.js';
import type { Rig } from '../rig/rig.js';
import type { PrincipalKeys } from '../wire/keys.js';
import type { SessionPurpose } from '../wire/purposes.js';
import type { BridgeLine } from './bridge-line.js';
import type { ClockMapping } from './faulty-clock.js';
import type { Parameters } from './parameters.js';
import type { Random } from './random.js';

export type SendFrame = (to: Principal, purpose: Purpose, frame: Uint8Array) => void;

/** Sends a frame as if another had sent it: under that one's topic, with that one's name. */
export type SendFrameAs = (claimed: Principal, to: Principal, purpose: Purpose, frame: Uint8Array) => void;

/** What a process may offer to faults beyond the ports that every replica has; a fault that needs it says so. */
export type Facility =
  'clock' | 'bridge' | 'device' | 'sealer' | 'restart-as' | 'twin' | 'keys' | 'store' | 'order';

/** In what a replica differs from the others: its law's digest, its rig file's, or the version that it speaks. */
export type Mismatch = 'law' | 'rig' | 'version';

/**
 * What a store loses with its device: all of it; or of the writes that are not durable yet all, all but some first ones, or
 * those that chance takes and whatever came after them.
 */
export type StoreLoss = 'all' | 'lost' | 'torn' | 'reordered';

/** Sends any payload, properly sealed; false while there is no session. */
export type SealPayload = (to: Principal, purpose: SessionPurpose, payload: Uint8Array) => boolean;

/** What the host of a process lets a fault do to it. */
export interface HostControls {
  /** Ends the process as SIGKILL would: nothing is finished and nothing is said. The event has been handed on before. */
  kill(): void;
  /** Keeps the process from running for so many milliseconds; returns when they are over. */
  stall(ms: number): void;
  /** Cuts everybody off this process's inbox and opens it again after so many milliseconds. */
  killBroker(ms: number): void;
  /**
   * Starts the replica again at once, as nothing that it was, with one thing wrong or (null) as it should be. Faults and
   * the ways to other processes stay. Absent where that cannot be done.
   */
  restartAs?(mismatch: Mismatch | null): void;
  /** Starts the replica again at once, on what its store holds; else as `restartAs`. Absent where that cannot be done. */
  restart?(): void;
  /**
   * Takes this from the durable store, just before the process is killed. Where no machine can be cut off for a single process,
   * what it has handed to the disk is kept. Absent where it has no store.
   */
  loseStore?(how: StoreLoss): void;
  /**
   * Puts other keys in the place of those that the process holds, while it runs, as its key file being replaced would.
   * Absent where that cannot be done.
   */
  exchangeKeys?(change: (keys: PrincipalKeys) => PrincipalKeys): void;
  /**
   * Starts a second replica with this one's identity and keys; what is returned ends it. `peers` are those that reach it
   * and are reached by it, everybody where it is null. Absent where that cannot be done.
   */
  launchTwin?(peers: readonly Principal[] | null): Cancel;
}

/** The wrappers of one active fault. Made when the fault begins, gone when it ends. */
export interface FaultWrapper {
  /** Messages before encoding. One message may be given for several receivers: it must be copied, never changed. */
  readonly peers?: (next: PeerPort) => PeerPort;
  readonly commands?: (next: CommandPort) => CommandPort;
  readonly sensors?: (next: SensorPort) => SensorPort;
  /** Sealed frames on their way out. */
  readonly frames?: (next: SendFrame) => SendFrame;
  /** Sealed frames as they arrive. */
  readonly arrivals?: (next: FrameHandler) => FrameHandler;
  /** Bytes to and from the device behind the firmware bridge. */
  readonly bridge?: (next: BridgeLine) => BridgeLine;
  /** The durable store of the command log. */
  readonly store?: (next: LogStore) => LogStore;
  /** What the command log sends to other devices. */
  readonly order?: (next: OrderPort) => OrderPort;
  /** The device behind a voter. */
  readonly device?: (next: ActuatorPort) => ActuatorPort;
  /** How the process's clock goes. */
  readonly clock?: ClockMapping;
  /** True where the process cannot tell the ticks of the run while it lasts: they are counted by the host's clock then. */
  readonly stopsTicks?: boolean;
  /** Present where what it does is over by itself after so many milliseconds; then the fault is over too. */
  readonly lastsMs?: number;
  /** Called once, after the fault has been announced. */
  readonly strike?: () => void;
  /** Called at every tick of the run while the fault lasts, the first included, before the tick's sends. */
  readonly onTick?: (tick: number) => void;
  /** Called once when the fault ends; what it holds back leaves now. */
  readonly end?: () => void;
}

/** What of its process a fault strikes. */
export interface FaultScope {
  /** Places of the struck sensors in the rig's list. */
  readonly sensors: readonly number[];
  /** Those that frames and messages go to: replicas and actuators. */
  readonly receivers: readonly Principal[];
  /** Those that frames come from: replicas and actuators. */
  readonly senders: readonly Principal[];
}

/** What a fault is made from. */
export interface FaultContext {
  readonly rig: Rig;
  /** Place in the rig's list of replicas, or of actuators where the fault strikes one; a witness comes after the replicas. */
  readonly self: ReplicaIndex;
  readonly id: Principal;
  readonly scope: FaultScope;
  readonly parameters: Parameters;
  /** Ticks that it lasts; null: until it is cleared. */
  readonly forTicks: number | null;
  /** The host's, which no fault strikes. */
  readonly clock: Clock;
  /** Seeded by the run, the fault and the process. */
  readonly random: Random;
  readonly host: HostControls;
  readonly encodeEntry: (entry: Entry) => Uint8Array;
  readonly decodeEntry: (value: Uint8Array) => Entry | null;
  /** Null where the transport cannot speak under another's name. */
  readonly sendFrameAs: SendFrameAs | null;
  readonly sealPayload: SealPayload;
  /** Breaks the line to the device; false where none is open. */
  readonly cutBridge: () => boolean;
  /** Counts messages, samples or outputs that were really altered. */
  readonly count: (altered?: number) => void;
  /** Hands the count on before the process dies. */
  readonly announce: () => void;
  /**
   * Runs `callback` in so many microseconds, or up to `slackUs` (1 ms where it is not said) later. At most `MAX_TIMERS`
   * wait at once for all faults together; beyond it answers false and nothing will run.
   */
  readonly defer: (delayUs: number, callback: () => void, slackUs?: number) => boolean;
}

/** Frames that faults delay, and everything else they wait for, at most. */
export const MAX_TIMERS = 8_192;

/** Purposes that faults leave alone: what steers faults, and what people watch with. */
const SPARED: ReadonlySet<Purpose> = new Set(['control', 'answer', 'report']);

/** True for frames that faults may touch. */
export function isStruckPurpose(purpose: Purpose): boolean {
  return !SPARED.has(purpose);
}
