/**
 * Faults of links: sealed frames that are lost, late, doubled, damaged, invented or old. They see bytes alone and
 * know no key. Control, answers and reports pass untouched: a fault can always be cleared.
 */
import { assert } from '../core/assert.js';
import type { FrameHandler, Principal, Purpose } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { isStruckPurpose, type FaultContext, type FaultWrapper, type SendFrame } from './wrapper.js';

const MS_US = 1_000;

/** Sends of struck frames to struck receivers go to `strike`, all others on. */
function strikeSends(context: FaultContext, next: SendFrame, strike: SendFrame): SendFrame {
  const { receivers } = context.scope;
  return (to, purpose, frame) => {
    if (isStruckPurpose(purpose) && receivers.includes(to)) strike(to, purpose, frame);
    else next(to, purpose, frame);
  };
}

function strikeArrivals(context: FaultContext, next: FrameHandler, strike: FrameHandler): FrameHandler {
  const { senders } = context.scope;
  return (from, purpose, frame, arrivedUs) => {
    if (isStruckPurpose(purpose) && senders.includes(from)) strike(from, purpose, frame, arrivedUs);
    else next(from, purpose, frame, arrivedUs);
  };
}

/** Losses come in bursts: each begins with probability `p` and takes `burst` frames with it. */
function drawLosses(context: FaultContext): () => boolean {
  const { random, parameters } = context;
  const p = parameters.number('p');
  const burst = parameters.number('burst');
  let left = 0;
  return () => {
    if (left === 0 && random.nextChance(p)) left = burst;
    if (left === 0) return false;
    left -= 1;
    return true;
  };
}

/** `omit-send`: frames to the receivers are lost. */
export function buildOmitSend(context: FaultContext): FaultWrapper {
  const peers = context.parameters.ids('peers');
  const isLost = drawLosses(context);
  return {
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        if ((peers === null || peers.includes(to)) && isLost()) context.count();
        else next(to, purpose, frame);
      }),
  };
}

/** `omit-receive`: frames of the senders are lost at this end. */
export function buildOmitReceive(context: FaultContext): FaultWrapper {
  const peers = context.parameters.ids('peers');
  const isLost = drawLosses(context);
  return {
    arrivals: (next) =>
      strikeArrivals(context, next, (from, purpose, frame, arrivedUs) => {
        if ((peers === null || peers.includes(from)) && isLost()) context.count();
        else next(from, purpose, frame, arrivedUs);
      }),
  };
}

/** `delay`: every frame leaves later; those that find no room to wait are lost. */
export function buildDelay(context: FaultContext): FaultWrapper {
  const { parameters, random, count, defer } = context;
  const jitterUs = parameters.number('jitter') * MS_US;
  const delayUs = parameters.number('ms') * MS_US;
  return {
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        count();
        defer(delayUs + Math.floor(jitterUs * random.nextUnit()), () => next(to, purpose, frame));
      }),
  };
}

interface HeldFrame {
  readonly purpose: Purpose;
  readonly frame: Uint8Array;
  later: number;
}

/** `reorder`: a frame is held back until `k` later ones to the same receiver have passed. */
export function buildReorder(context: FaultContext): FaultWrapper {
  const { parameters, random, count } = context;
  const k = parameters.number('k');
  const p = parameters.number('p');
  const held = new Map<Principal, HeldFrame>();
  let release: SendFrame | null = null;
  return {
    frames: (next) => {
      release = next;
      return strikeSends(context, next, (to, purpose, frame) => {
        const waiting = held.get(to);
        if (waiting === undefined && random.nextChance(p)) {
          held.set(to, { purpose, frame, later: k });
          count();
          return;
        }
        next(to, purpose, frame);
        if (waiting === undefined) return;
        waiting.later -= 1;
        if (waiting.later > 0) return;
        held.delete(to);
        next(to, waiting.purpose, waiting.frame);
      });
    },
    end: () => {
      for (const [to, { purpose, frame }] of held) release?.(to, purpose, frame);
      held.clear();
    },
  };
}

/** `duplicate`: every frame is sent `k` times more. */
export function buildDuplicate(context: FaultContext): FaultWrapper {
  const k = context.parameters.number('k');
  return {
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        for (let copy = 0; copy <= k; copy += 1) next(to, purpose, frame);
        context.count(k);
      }),
  };
}

/** `partition`: nothing passes between the sets; those in none hear and reach everybody. */
export function buildPartition(context: FaultContext): FaultWrapper {
  const { rig, id, parameters, count } = context;
  const sets = chooseSets(rig, parameters.sets('sets'));
  const own = sets.findIndex((set) => set.includes(id));
  const flap = parameters.number('flap');
  const isOneWay = parameters.choice('way') === 'one';
  let isUp = false;
  let ticks = 0;
  const separates = (other: Principal, outgoing: boolean): boolean => {
    const its = sets.findIndex((set) => set.includes(other));
    if (isUp || own < 0 || its < 0 || own === its) return false;
    // One way: what comes from the first set is lost.
    return !isOneWay || (outgoing ? own === 0 : its === 0);
  };
  return {
    onTick: () => {
      if (flap > 0) isUp = Math.floor(ticks / flap) % 2 === 1;
      ticks += 1;
    },
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        if (separates(to, true)) count();
        else next(to, purpose, frame);
      }),
    arrivals: (next) =>
      strikeArrivals(context, next, (from, purpose, frame, arrivedUs) => {
        if (separates(from, false)) count();
        else next(from, purpose, frame, arrivedUs);
      }),
  };
}

/** The sets of a partition: those named, else the last replica against all others, the actuators and the witness. */
function chooseSets(rig: Rig, named: readonly (readonly string[])[] | null): readonly (readonly string[])[] {
  const replicas = rig.replicas.map(({ id }) => id);
  const others = rig.actuators.map(({ id }) => id);
  if (rig.witness !== null) others.push(rig.witness.id);
  return named ?? [[...replicas.slice(0, -1), ...others], replicas.slice(-1)];
}

/**
 * The replicas that make a partition: those outside the largest set, who lose what they send and what they receive,
 * so that nobody else is struck. A replica that is cut off from an actuator has to lose that by itself. Where a witness hears
 * both sides of two replicas, it is for the log to say who goes on without the other: either may be the one that is struck.
 */
export function choosePartitioned(rig: Rig, named: readonly (readonly string[])[] | null): readonly string[] {
  const sets = chooseSets(rig, named);
  const isReplica = (id: string): boolean => rig.replicas.some((replica) => replica.id === id);
  const sizes = sets.map((set) => set.filter(isReplica).length);
  const largest = sets[sizes.indexOf(Math.max(...sizes))];
  const isActuatorElsewhere = sets.some((set) => set !== largest && !set.every(isReplica));
  const { witness } = rig;
  const isUndecided =
    witness !== null && rig.replicas.length === 2 && !sets.some((set) => set.includes(witness.id));
  return sets
    .filter((set) => set !== largest || isActuatorElsewhere || isUndecided)
    .flat()
    .filter(isReplica);
}

/** `corrupt`: some bits of a frame are flipped on the way. */
export function buildCorrupt(context: FaultContext): FaultWrapper {
  const { parameters, random, count } = context;
  const p = parameters.number('p');
  const bits = parameters.number('bits');
  return {
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        if (frame.length === 0 || !random.nextChance(p)) {
          next(to, purpose, frame);
          return;
        }
        const damaged = frame.slice();
        const places = new Set<number>();
        while (places.size < Math.min(bits, 8 * frame.length))
          places.add(random.nextInteger(8 * frame.length));
        for (const place of places) {
          const at = place >> 3;
          damaged[at] = (damaged[at] as number) ^ (1 << (place & 7));
        }
        count();
        next(to, purpose, damaged);
      }),
  };
}

/** `truncate`: the end of a frame is cut off. */
export function buildTruncate(context: FaultContext): FaultWrapper {
  const { parameters, random, count } = context;
  const p = parameters.number('p');
  const bytes = parameters.number('bytes');
  return {
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        if (frame.length === 0 || !random.nextChance(p)) {
          next(to, purpose, frame);
          return;
        }
        count();
        next(to, purpose, frame.slice(0, Math.max(0, frame.length - bytes)));
      }),
  };
}

/** `half-authenticator`: some receivers get frames whose authenticator does not fit. */
export function buildHalfAuthenticator(context: FaultContext): FaultWrapper {
  const { rig, scope, parameters, count } = context;
  const named = parameters.ids('to');
  const replicas = scope.receivers.filter((id) => rig.replicas.some((replica) => replica.id === id));
  const cheated = named ?? replicas.slice(0, Math.ceil(replicas.length / 2));
  return {
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        if (frame.length === 0 || !cheated.includes(to)) {
          next(to, purpose, frame);
          return;
        }
        // The authenticator stands last.
        const damaged = frame.slice();
        damaged[damaged.length - 1] = (damaged[damaged.length - 1] as number) ^ 0x01;
        count();
        next(to, purpose, damaged);
      }),
  };
}

const BABBLE_STEP_US = 10_000;
/** Frames in one go at most: a stalled babbler does not make up for what it missed. */
const BABBLE_BURST = 1_000;

/** `babble`: frames of noise to every receiver, at a rate, whatever round it is. */
export function buildBabble(context: FaultContext): FaultWrapper {
  const { scope, parameters, random, count, defer } = context;
  const named = parameters.ids('to');
  const receivers = scope.receivers.filter((id) => named === null || named.includes(id));
  const perStep = (parameters.number('rate') * BABBLE_STEP_US) / 1e6;
  const size = parameters.number('size');
  let send: SendFrame | null = null;
  let owed = 0;
  let ended = false;
  const babble = (): void => {
    if (ended) return;
    owed = Math.min(BABBLE_BURST, owed + perStep);
    for (; owed >= 1; owed -= 1) {
      const noise = random.nextBytes(size);
      for (const to of receivers) send?.(to, 'round', noise);
      count(receivers.length);
    }
    defer(BABBLE_STEP_US, babble);
  };
  return {
    frames: (next) => {
      send = next;
      return next;
    },
    strike: babble,
    end: () => {
      ended = true;
    },
  };
}

/** `forge`: beside each own frame one more of its like goes out, under another replica's name. */
export function buildForge(context: FaultContext): FaultWrapper {
  const { rig, scope, parameters, random, count } = context;
  const victim = chooseVictim(context);
  const named = parameters.ids('to');
  const receivers = (named ?? scope.receivers).filter((id) => id !== victim);
  return {
    frames: (next) =>
      strikeSends(context, next, (to, purpose, frame) => {
        next(to, purpose, frame);
        const isReplica = rig.replicas.some(({ id }) => id === to);
        if (!receivers.includes(to) || (isReplica ? purpose !== 'round' : purpose !== 'command')) return;
        const forged = frame.slice();
        const last = forged.length - 1;
        // Without the pair's key the authenticator can only be guessed.
        if (last >= 0) forged[last] = (forged[last] as number) ^ (1 + random.nextInteger(255));
        sendAs(context, next, victim, to, purpose, forged);
        count();
      }),
  };
}

/** `masquerade`: what another replica sends here is handed on, byte by byte, as that one's word to the others. */
export function buildMasquerade(context: FaultContext): FaultWrapper {
  const { rig, scope, count } = context;
  const victim = chooseVictim(context);
  const isReplica = (id: Principal): boolean => rig.replicas.some((replica) => replica.id === id);
  const receivers = scope.receivers.filter((id) => id !== victim && isReplica(id));
  let send: SendFrame | null = null;
  return {
    frames: (next) => {
      send = next;
      return next;
    },
    arrivals: (next) => (from, purpose, frame, arrivedUs) => {
      next(from, purpose, frame, arrivedUs);
      if (from !== victim || purpose !== 'round' || send === null) return;
      for (const to of receivers) {
        sendAs(context, send, victim, to, purpose, frame);
        count();
      }
    },
  };
}

/** The replica whose name is taken: the one named, else the next in the rig's order that is not the only receiver. */
function chooseVictim(context: FaultContext): Principal {
  const { rig, self, scope, parameters } = context;
  const others = rig.replicas.slice(self + 1).concat(rig.replicas.slice(0, self));
  const victim = others.find(({ id }) => scope.receivers.some((receiver) => receiver !== id));
  assert(victim !== undefined, 'a rig has two replicas at least');
  return parameters.ids('as')?.[0] ?? victim.id;
}

function sendAs(
  context: FaultContext,
  next: SendFrame,
  claimed: Principal,
  to: Principal,
  purpose: Purpose,
  frame: Uint8Array,
): void {
  // Where the transport holds everybody to the own topic the frame goes there: what it claims is then in its bytes.
  if (context.sendFrameAs === null) next(to, purpose, frame);
  else context.sendFrameAs(claimed, to, purpose, frame);
}

interface Recording {
  readonly party: Principal;
  readonly purpose: Purpose;
  readonly frame: Uint8Array;
}

/** Frames of one tick that are kept at most. */
const RECORDED_PER_TICK = 256;

/** Frames of the last ticks, played back when they are `age` ticks old. */
class Recorder {
  private readonly ticks: Recording[][] = [[]];

  constructor(private readonly age: number) {}

  record(party: Principal, purpose: Purpose, frame: Uint8Array): void {
    const current = this.ticks[this.ticks.length - 1] as Recording[];
    if (current.length < RECORDED_PER_TICK) current.push({ party, purpose, frame: frame.slice() });
  }

  /** Begins a tick; gives what is old enough. */
  turn(): readonly Recording[] {
    this.ticks.push([]);
    return this.ticks.length > this.age ? (this.ticks.shift() ?? []) : [];
  }
}

/** `replay` on a replica or link: its own frames, sealed ticks ago, are sent once more. */
export function buildReplay(context: FaultContext): FaultWrapper {
  const recorder = new Recorder(context.parameters.number('age'));
  let send: SendFrame | null = null;
  return {
    frames: (next) => {
      send = next;
      return strikeSends(context, next, (to, purpose, frame) => {
        recorder.record(to, purpose, frame);
        next(to, purpose, frame);
      });
    },
    onTick: () => {
      for (const { party, purpose, frame } of recorder.turn()) {
        send?.(party, purpose, frame);
        context.count();
      }
    },
  };
}

/** `replay` on a broker: it hands its owner old frames of the peers once more. */
export function buildBrokerReplay(context: FaultContext): FaultWrapper {
  const recorder = new Recorder(context.parameters.number('age'));
  let deliver: FrameHandler | null = null;
  return {
    arrivals: (next) => {
      deliver = next;
      return strikeArrivals(context, next, (from, purpose, frame, arrivedUs) => {
        recorder.record(from, purpose, frame);
        next(from, purpose, frame, arrivedUs);
      });
    },
    onTick: () => {
      const old = recorder.turn();
      // Ticks begin inside the owner's own step: its broker speaks to it afterwards.
      context.defer(0, () => {
        for (const { party, purpose, frame } of old) {
          deliver?.(party, purpose, frame, context.clock.nowUs());
          context.count();
        }
      });
    },
  };
}

/** `broker-slow`: what arrives is handed over later. */
export function buildBrokerSlow(context: FaultContext): FaultWrapper {
  const { parameters, clock, count, defer } = context;
  const delayUs = parameters.number('ms') * MS_US;
  return {
    arrivals: (next) =>
      strikeArrivals(context, next, (from, purpose, frame) => {
        count();
        defer(delayUs, () => next(from, purpose, frame, clock.nowUs()));
      }),
  };
}

/** `broker-half-open`: connections stand, and nothing is handed over. */
export function buildBrokerHalfOpen(context: FaultContext): FaultWrapper {
  return { arrivals: (next) => strikeArrivals(context, next, () => context.count()) };
}
