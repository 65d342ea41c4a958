/**
 * How many slots a second three devices of core/paxos choose in one thread, without disk, network or event loop: what the
 * rules themselves cost. By the processor's time, so that what else runs on the machine matters little.
 *
 *   npm run build && node test/paxos/speed.mjs [--slots N] [--codec]
 *
 * `--codec`: every message is written and read as on the wire, every record written.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { PAXOS_DEFAULTS } from '../../dist/src/core/paxos/defaults.js';
import { stepPaxos } from '../../dist/src/core/paxos/paxos.js';
import { recoverPaxos } from '../../dist/src/core/paxos/recover.js';
import {
  decodePaxosMessage,
  encodePaxosMessage,
  encodePaxosRecord,
} from '../../dist/src/wire/paxos-codec.js';

const DEVICES = 3;
const VALUE = new Uint8Array(64).fill(7);
const ROUNDS = 3;
/** A slot takes so long by the clock that devices see. */
const SLOT_US = 50;
const TICK_SLOTS = 100;

const { values } = parseArgs({
  options: { slots: { type: 'string', default: '50000' }, codec: { type: 'boolean', default: false } },
});
const slots = Number(values.slots);
const limits = { ...PAXOS_DEFAULTS, n: DEVICES, maxStateBytes: 4096 };

class Group {
  nowUs = 1;
  chosen = 0;
  #waiting = [];
  #answered = new Map();

  constructor() {
    this.devices = Array.from({ length: DEVICES }, (_, self) => {
      const config = {
        ...PAXOS_DEFAULTS,
        n: DEVICES,
        self,
        witness: null,
        nonce: new Uint8Array(16).fill(self + 1),
        digestEntries: (from, entries) =>
          createHash('sha256')
            .update(JSON.stringify([from, entries]))
            .digest()
            .subarray(0, 16),
      };
      const { state } = recoverPaxos(config, [{ kind: 'stamp', incarnation: 1, since: 0 }], 0);
      return { config, state };
    });
    while (this.leader === undefined) this.tick();
  }

  get leader() {
    return this.devices.find(({ state }) => state.leadership?.phase === 'leads');
  }

  tick() {
    this.nowUs += SLOT_US * TICK_SLOTS;
    for (const device of this.devices) this.#take(device, { kind: 'time', nowUs: this.nowUs });
    this.deliver();
  }

  /** Each of the clients asks for one thing; returns when each is answered. */
  ask(clients, sequence) {
    const { leader } = this;
    for (let client = 0; client < clients; client += 1) {
      const request = { client: `client-${client}`, sequence, value: VALUE };
      this.#take(leader, { kind: 'request', nowUs: this.nowUs, request });
    }
    this.deliver();
    for (let client = 0; client < clients; client += 1)
      if (this.#answered.get(`client-${client}`) !== sequence)
        throw new Error(`${client}/${sequence}: no answer`);
    this.chosen += clients;
    this.nowUs += SLOT_US * clients;
  }

  deliver() {
    for (let at = 0; at < this.#waiting.length; at += 1) {
      const { from, to, message } = this.#waiting[at];
      const read = values.codec ? decodePaxosMessage(limits, message) : message;
      this.#take(this.devices[to], { kind: 'received', nowUs: this.nowUs, from, message: read });
    }
    this.#waiting.length = 0;
  }

  #take({ config, state }, input) {
    for (const effect of stepPaxos(config, state, input).effects) {
      if (effect.kind === 'send') {
        const message = values.codec ? encodePaxosMessage(effect.message) : effect.message;
        this.#waiting.push({ from: config.self, to: effect.to, message });
      } else if (effect.kind === 'persist') {
        if (values.codec) encodePaxosRecord(effect.record);
      } else if (effect.kind === 'answer') {
        if (effect.outcome.kind === 'chosen') this.#answered.set(effect.client, effect.sequence);
      } else if (effect.kind === 'take-snapshot') {
        const taken = {
          kind: 'snapshot-taken',
          nowUs: this.nowUs,
          slot: effect.slot,
          state: new Uint8Array(8),
        };
        this.#take({ config, state }, taken);
      }
    }
  }
}

for (const clients of [1, 16]) {
  const rates = Array.from({ length: ROUNDS }, () => {
    const group = new Group();
    let sequence = 0;
    let ticked = 0;
    const run = (count) => {
      const upTo = group.chosen + count;
      while (group.chosen < upTo) {
        sequence += 1;
        group.ask(clients, sequence);
        if (group.chosen - ticked < TICK_SLOTS) continue;
        ticked = group.chosen;
        group.tick();
      }
    };
    run(slots / 5);
    const began = process.cpuUsage();
    run(slots);
    const { user, system } = process.cpuUsage(began);
    return (slots / (user + system)) * 1e6;
  });
  const best = Math.round(Math.max(...rates));
  console.log(
    `${clients} at a time${values.codec ? ', with codec' : ''}: ${best} slots a second, ${(1e6 / best).toFixed(1)} µs each`,
  );
}
