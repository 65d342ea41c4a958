/**
 * Faults of the durable store and of the command log that stands in it: the disk answers with errors, the power goes while
 * it writes, its folder is emptied, or a device asks for what it has promised not to. Each stands in front of the store or
 * of what the log sends; what the log itself makes of it is between it and the others.
 */
import type { Ballot, PaxosMessage } from '../core/paxos/types.js';
import type { LogStore, OrderPort, StoreRefusal } from '../ports.js';
import { listDevices } from '../process/order-config.js';
import { ordersByLog } from '../rig/derive.js';
import type { FaultCandidate, Objection } from './row.js';
import type { FaultContext, FaultWrapper, StoreLoss } from './wrapper.js';

/** What the disk answers, by the fault's name, as operating systems call it. */
const ANSWERS = { 'disk-full': 'ENOSPC', 'io-error': 'EIO', 'read-only': 'EROFS' } as const;

/** A disk that answers writes with an error. */
export type DiskFault = keyof typeof ANSWERS;

/** Nothing of a log can be struck where there is none. */
export function objectToNoLog({ rig }: Pick<FaultCandidate, 'rig'>): Objection | null {
  return ordersByLog(rig)
    ? null
    : {
        what: `the rig '${rig.id}' keeps no command log`,
        cure: 'choose a rig with a crash hypothesis that declares commands',
      };
}

/**
 * `disk-full`, `io-error`, `read-only`: after `k` more writes the disk takes none. A store that was refused once stays so until
 * it is opened anew: when the fault ends the replica is started again, as its cure says.
 */
export function buildDiskFault(name: DiskFault): (context: FaultContext) => FaultWrapper {
  return ({ parameters, count, defer, host }) => {
    let left = parameters.number('k');
    const strike = (store: LogStore, onDurable: (refusal: StoreRefusal) => void): boolean => {
      left -= 1;
      if (left >= 0) return false;
      count();
      const message = `${store.place}: the disk answers ${ANSWERS[name]}, by the fault ${name}; clear it, and the replica starts again`;
      return defer(0, () => onDurable({ code: name, message }));
    };
    return {
      store: (next) => ({
        ...passOn(next),
        write: (changes, onDurable) => {
          if (!strike(next, onDurable)) next.write(changes, onDurable);
        },
        provision: (records, onDurable) => {
          if (!strike(next, onDurable)) next.provision(records, onDurable);
        },
      }),
      end: () => host.restart?.(),
    };
  };
}

/** `power-cut`: the device is gone at once, or at its `k`-th write, and what was not durable with it as `how` says. */
export function buildPowerCut({ parameters, count, announce, host }: FaultContext): FaultWrapper {
  const k = parameters.number('k');
  const how = parameters.choice('how') as Exclude<StoreLoss, 'all'>;
  const cut = (): void => {
    count();
    announce();
    host.loseStore?.(how);
    host.kill();
  };
  let written = 0;
  return {
    strike: () => {
      if (k === 0) cut();
    },
    store: (next) => ({
      ...passOn(next),
      write: (changes, onDurable) => {
        written += 1;
        if (written !== k || how !== 'lost') next.write(changes, onDurable);
        if (written === k) cut();
      },
    }),
  };
}

/** `amnesia`: the device is gone, and its store is empty when it is started again. Who started it sees to its return. */
export function buildAmnesia({ count, host }: FaultContext): FaultWrapper {
  count();
  return {
    strike: () => {
      host.loseStore?.('all');
      host.kill();
    },
  };
}

/**
 * `ballot-regression`: in every tick the replica asks its peers to promise the highest ballot of its own below the one that
 * it has promised itself.
 */
export function buildBallotRegression({ rig, self, count }: FaultContext): FaultWrapper {
  const n = listDevices(rig).length;
  let port: OrderPort | null = null;
  let promised: Ballot = 0;
  let incarnation = 0;
  return {
    order: (next) => {
      port = next;
      return {
        send: (to, messages) => {
          for (const message of messages) {
            promised = Math.max(promised, readPromised(message));
            ({ incarnation } = message);
          }
          next.send(to, messages);
        },
      };
    },
    onTick: () => {
      const ballot = promised - 1 - ((((promised - 1 - self) % n) + n) % n);
      if (port === null || incarnation === 0 || ballot < 1) return;
      for (let to = 0; to < n; to += 1) {
        if (to === self) continue;
        count();
        port.send(to, [{ kind: 'prepare', incarnation, ballot, from: 1 }]);
      }
    },
  };
}

/** The ballot that binds whoever says this; 0 where it tells of none. */
function readPromised(message: PaxosMessage): Ballot {
  switch (message.kind) {
    case 'beat':
    case 'refuse':
      return message.promised;
    case 'promise':
    case 'propose':
    case 'vote':
      return message.ballot;
    default:
      return 0;
  }
}

/** The same store, for a wrapper to take its place in part. */
function passOn(next: LogStore): LogStore {
  return {
    place: next.place,
    loaded: next.loaded,
    write: (changes, onDurable) => next.write(changes, onDurable),
    provision: (records, onDurable) => next.provision(records, onDurable),
    figures: () => next.figures(),
    close: () => next.close(),
  };
}
