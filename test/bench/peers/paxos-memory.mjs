/**
 * Three devices of core/paxos in one process, without a store: what it says is durable at once. The driver does what its
 * contract asks and no more. Also counts messages and delays of a command with a settled leader.
 */
import { createHash } from 'node:crypto';
import { PAXOS_DEFAULTS } from '../../../dist/src/core/paxos/defaults.js';
import { stepPaxos } from '../../../dist/src/core/paxos/paxos.js';
import { recoverPaxos } from '../../../dist/src/core/paxos/recover.js';
import { MemoryNetwork } from './memory-network.mjs';
import { nowUs, sleep, VALUE_BYTES } from './load.mjs';

const DEVICES = 3;
const VALUE = new Uint8Array(VALUE_BYTES);
const STEP_MS = 20;
const RETRY_MS = 10;

const wholeUs = () => Math.floor(nowUs());

const digestEntries = (from, entries) =>
  createHash('sha256')
    .update(JSON.stringify([from, entries]))
    .digest()
    .subarray(0, 16);

class Device {
  status = null;

  constructor(self, learning, proposesAhead, group) {
    this.self = self;
    this.group = group;
    this.config = {
      ...PAXOS_DEFAULTS,
      n: DEVICES,
      self,
      witness: null,
      learning,
      proposesAhead,
      nonce: new Uint8Array(16).fill(self + 1),
      digestEntries,
    };
    const stamp = { kind: 'stamp', incarnation: 1, since: 0 };
    const { state, effects } = recoverPaxos(this.config, [stamp], wholeUs());
    this.state = state;
    this.carryOut(effects);
  }

  take(input) {
    this.carryOut(stepPaxos(this.config, this.state, input).effects);
  }

  carryOut(effects) {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.group.send(this.self, effect.to, effect.message);
          break;
        case 'answer':
          this.group.answer(this.self, effect);
          break;
        case 'take-snapshot':
          setImmediate(() =>
            this.take({
              kind: 'snapshot-taken',
              nowUs: wholeUs(),
              slot: effect.slot,
              state: new Uint8Array(8),
            }),
          );
          break;
        case 'status':
          this.status = effect.status;
          break;
        default:
          break;
      }
    }
  }
}

/**
 * Starts the devices and waits for a leader; `ask(client)` resolves when the first answer has come back. `trace` sees
 * what is sent: { from, to, kind }. Nothing is written, so that nobody has a disk to be ahead of unless told so.
 */
export async function startPaxos({ learning = 'leader-vote', proposesAhead = false, trace = () => {} } = {}) {
  const network = new MemoryNetwork();
  const open = new Map();
  let asksAgain = 0;
  const group = {
    send: (from, to, message) => {
      trace({ from, to, kind: message.kind });
      network.send(() => devices[to].take({ kind: 'received', nowUs: wholeUs(), from, message }));
    },
    answer: (from, { client, sequence, outcome }) => {
      trace({ from, to: 'client', kind: 'answer' });
      network.send(() => {
        const key = `${client}/${sequence}`;
        const ask = open.get(key);
        if (ask === undefined) return;
        if (outcome.kind !== 'chosen') {
          // The process stood still for so long that its devices took one another for dead: it asks again, as clients do.
          asksAgain += 1;
          setTimeout(ask.again, RETRY_MS);
          return;
        }
        open.delete(key);
        ask.resolve();
      });
    },
  };
  const devices = [];
  for (let self = 0; self < DEVICES; self += 1)
    devices.push(new Device(self, learning, proposesAhead, group));
  const timer = setInterval(() => {
    for (const device of devices) device.take({ kind: 'time', nowUs: wholeUs() });
  }, STEP_MS);
  const findLeader = () => devices.find(({ status }) => status?.role === 'leads');
  while (findLeader() === undefined) await sleep(10);
  const leader = findLeader();
  const sequences = new Map();
  return {
    network,
    ask: (client) =>
      new Promise((resolve) => {
        const name = `client-${client}`;
        const sequence = (sequences.get(name) ?? 0) + 1;
        sequences.set(name, sequence);
        const request = { client: name, sequence, value: VALUE };
        const again = () => {
          const to = findLeader() ?? leader;
          trace({ from: 'client', to: to.self, kind: 'request' });
          network.send(() => to.take({ kind: 'request', nowUs: wholeUs(), request }));
        };
        open.set(`${name}/${sequence}`, { resolve, again });
        again();
      }),
    readAsksAgain: () => asksAgain,
    stop: () => clearInterval(timer),
  };
}

/**
 * Message delays between a request and its first answer, and messages of each kind that a command takes until then and in
 * all; acknowledgements ride on beats and are told apart.
 */
export async function countMessages({ learning, proposesAhead, commands = 200 }) {
  const kinds = {};
  let isCounting = false;
  const trace = ({ kind }) => {
    if (isCounting) kinds[kind] = (kinds[kind] ?? 0) + 1;
  };
  const paxos = await startPaxos({ learning, proposesAhead, trace });
  try {
    await paxos.ask(0);
    await sleep(100);
    isCounting = true;
    let turns = 0;
    const delays = [];
    const turn = () => {
      turns += 1;
      ticking = setImmediate(turn);
    };
    let ticking = setImmediate(turn);
    for (let i = 0; i < commands; i += 1) {
      const from = turns;
      await paxos.ask(0);
      delays.push(turns - from);
    }
    clearImmediate(ticking);
    return { delays, kinds, commands };
  } finally {
    paxos.stop();
  }
}
