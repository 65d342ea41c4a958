/**
 * Three nodes of liferaft in one process, with logs in memory. The log that it ships sorts slots as texts and goes wrong
 * with the tenth command, whatever store is behind it; this one does what that one means to, without a store. Commands
 * begin one after the other, and a node takes a packet when it is done with the one before: it awaits between reading and
 * writing its log, so that two at once would take one index.
 */
import { MemoryNetwork } from './memory-network.mjs';
import { sleep, VALUE_BYTES } from './load.mjs';

const NODES = 3;
const RETRY_MS = 500;
const VALUE = 'x'.repeat(VALUE_BYTES);

/** The interface of liferaft's log over a map. */
class MemoryLog {
  committedIndex = 0;
  #entries = new Map();
  #last = 0;

  constructor(node) {
    this.node = node;
  }

  async saveCommand(command, term, index = this.#last + 1) {
    const responses = [{ address: this.node.address, ack: true }];
    const entry = { term, index, committed: false, responses, command };
    this.#entries.set(index, entry);
    this.#last = Math.max(this.#last, index);
    return entry;
  }

  async removeEntriesAfter(index) {
    for (let at = index + 1; at <= this.#last; at += 1) this.#entries.delete(at);
    this.#last = Math.min(this.#last, index);
  }

  async has(index) {
    return this.#entries.has(index);
  }

  async get(index) {
    return this.#entries.get(index);
  }

  async getLastInfo() {
    return this.#infoOf(this.#last);
  }

  async getEntryInfoBefore({ index }) {
    return this.#infoOf(index - 1);
  }

  async commandAck(index, address) {
    const entry = this.#entries.get(index);
    if (entry === undefined) return { responses: [] };
    if (!entry.responses.some((one) => one.address === address)) entry.responses.push({ address, ack: true });
    return entry;
  }

  async commit(index) {
    this.#entries.get(index).committed = true;
    this.committedIndex = Math.max(this.committedIndex, index);
  }

  async getUncommittedEntriesUpToIndex(index) {
    const entries = [];
    for (let at = this.committedIndex + 1; at <= index; at += 1) {
      const entry = this.#entries.get(at);
      if (entry !== undefined && !entry.committed) entries.push(entry);
    }
    return entries;
  }

  end() {}

  #infoOf(index) {
    const entry = this.#entries.get(index);
    const { committedIndex, node } = this;
    return entry === undefined
      ? { index: 0, term: node.term, committedIndex }
      : { index, term: entry.term, committedIndex };
  }
}

/** Starts the nodes and waits for a leader; `ask(client)` resolves when a command is committed there. */
export async function startLiferaft({ require }) {
  const Raft = require('liferaft');
  const network = new MemoryNetwork();
  const rafts = Array.from({ length: NODES }, (_, at) => new Raft(`node${at}`, { Log: MemoryLog }));
  const takers = new Map(rafts.map((raft) => [raft.address, makeTaker(raft)]));
  for (const raft of rafts) {
    // Answers to ballots that are over, mostly; what matters is whether commands are committed.
    raft.on('error', () => {});
    for (const other of rafts) {
      if (other === raft) continue;
      raft.join(other.address, (packet, done) =>
        network.send(() =>
          takers.get(other.address)(packet, (answer) => network.send(() => done(undefined, answer))),
        ),
      );
    }
  }
  const findLeader = () => rafts.find((raft) => raft.state === Raft.LEADER && raft.nodes.length > 0);
  while (findLeader() === undefined) await sleep(10);
  const open = new Map();
  for (const raft of rafts)
    raft.on('commit', ({ id }) => {
      // The leader's client has its answer from the leader.
      if (raft.state !== Raft.LEADER) return;
      const resolve = open.get(id);
      open.delete(id);
      if (resolve !== undefined) network.send(resolve);
    });
  let last = Promise.resolve();
  let ids = 0;
  const command = async (id) => {
    const leader = findLeader();
    if (leader !== undefined) await leader.command({ id, value: VALUE });
  };
  return {
    network,
    ask: () =>
      new Promise((resolve) => {
        ids += 1;
        const id = ids;
        const again = () => {
          network.send(() => {
            last = last.then(() => command(id));
          });
        };
        // The process stood still for so long that its nodes took one another for dead: it asks again, as clients do.
        const timer = setInterval(again, RETRY_MS);
        open.set(id, () => {
          clearInterval(timer);
          resolve();
        });
        again();
      }),
    stop() {
      for (const raft of rafts) raft.end();
    },
  };
}

/** Takes packets one after the other. */
function makeTaker(raft) {
  let last = Promise.resolve();
  return (packet, answer) => {
    last = last.then(() =>
      Promise.all(raft.listeners('data').map((listener) => listener.call(raft, packet, answer))),
    );
  };
}
