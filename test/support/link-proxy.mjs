/**
 * The process behind link-proxy.ts: one TCP listener for each directed link, which hands on to an inbox what comes, as
 * late, as slowly and as unreliably as it was told. It orders nothing anew, as TCP does not: what is held up holds up
 * what comes after it. Orders come over the channel, each with a number that its answer repeats.
 */
import net from 'node:net';

/** What waits in one direction of a connection before its sender has to wait too, as in the buffers of real sockets. */
const MAX_WAITING_BYTES = 256 * 1024;

/** @type {Map<string, Link>} */
const links = new Map();

/** A link: where it leads, how it behaves and who is on it. */
class Link {
  connections = new Set();
  counts = { connections: 0, chunks: 0, bytes: 0, lost: 0 };

  constructor(target, conditions, seed) {
    this.target = target;
    this.conditions = conditions;
    this.random = makeRandom(seed);
    this.server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.accept(socket));
  }

  accept(near) {
    this.counts.connections += 1;
    const far = new net.Socket({ allowHalfOpen: true });
    far.setNoDelay(true);
    const connection = { near, far, there: new Pipe(this, near, far), back: new Pipe(this, far, near) };
    this.connections.add(connection);
    for (const socket of [near, far]) {
      // A broken end shows at the other one, in its turn: nobody hears of it over a link that is cut.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (near.destroyed && (far.destroyed || far.pending)) this.connections.delete(connection);
      });
    }
    this.go(connection);
  }

  set(conditions) {
    this.conditions = conditions;
    for (const connection of [...this.connections]) this.go(connection);
  }

  /** Dials on as soon as the link lets it, and hands on what waits. */
  go(connection) {
    const { near, far, there, back } = connection;
    if (this.conditions.cut) return;
    if (!far.pending || far.connecting || far.destroyed) {
      there.go();
      back.go();
    } else if (there.ended) {
      // Who gave up while nothing passed never had a connection.
      near.destroy();
      this.connections.delete(connection);
    } else far.connect(this.target);
  }

  reset() {
    const { size } = this.connections;
    for (const { near, far } of this.connections) {
      near.resetAndDestroy();
      if (far.pending) far.destroy();
      else far.resetAndDestroy();
    }
    return size;
  }
}

/** One direction of a connection. */
class Pipe {
  waiting = [];
  waitingBytes = 0;
  lastDueMs = 0;
  timer = null;
  /** Whether nothing more will come in. */
  ended = false;

  constructor(link, from, to) {
    this.link = link;
    this.from = from;
    this.to = to;
    from.on('data', (chunk) => this.take(chunk.length, () => to.write(chunk)));
    from.on('end', () => this.end(() => to.end()));
    from.on('close', () => this.end(() => to.destroySoon()));
    to.on('drain', () => this.go());
    to.on('connect', () => this.go());
    to.on('close', () => clearTimeout(this.timer));
  }

  end(hand) {
    this.ended = true;
    this.take(0, hand);
  }

  /** Something to hand on in its turn; an end has no bytes. */
  take(bytes, hand) {
    const { conditions, random, counts } = this.link;
    const { delayMs, jitterMs, loss, retransmitMs, bytesPerSecond } = conditions;
    counts.chunks += bytes > 0 ? 1 : 0;
    counts.bytes += bytes;
    let dueMs = performance.now() + delayMs - jitterMs * Math.log(1 - random());
    if (random() < loss && bytes > 0) {
      counts.lost += 1;
      dueMs += retransmitMs;
    }
    const sendingMs = bytesPerSecond === null ? 0 : (1000 * bytes) / bytesPerSecond;
    dueMs = Math.max(dueMs, this.lastDueMs) + sendingMs;
    this.lastDueMs = dueMs;
    this.waiting.push({ bytes, hand, dueMs });
    this.waitingBytes += bytes;
    if (this.waitingBytes > MAX_WAITING_BYTES) this.from.pause();
    this.go();
  }

  /** Hands on what is due, and looks again when the next is. */
  go() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.link.conditions.cut || this.to.pending) return;
    while (this.waiting.length > 0 && !this.to.writableNeedDrain) {
      const [{ bytes, hand, dueMs }] = this.waiting;
      const restMs = dueMs - performance.now();
      if (restMs > 0) {
        this.timer = setTimeout(() => this.go(), restMs);
        return;
      }
      this.waiting.shift();
      this.waitingBytes -= bytes;
      hand();
      if (this.waitingBytes <= MAX_WAITING_BYTES) this.from.resume();
    }
  }
}

/** Numbers from 0 up to 1, the same for the same seed (xorshift32 over a hash of the text). */
function makeRandom(seed) {
  let state = 2166136261;
  for (const letter of seed) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  state ||= 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const orders = {
  open: ({ link, host, target, conditions, seed }) =>
    new Promise((resolve, reject) => {
      const opened = new Link(target, conditions, `${seed} ${link}`);
      links.set(link, opened);
      opened.server.once('error', reject);
      opened.server.listen({ host, port: 0 }, () => resolve({ port: opened.server.address().port }));
    }),
  set: ({ link, conditions }) => links.get(link).set(conditions),
  reset: ({ link }) => ({ connections: links.get(link).reset() }),
  count: ({ link }) => links.get(link).counts,
};

process.on('message', ({ number, order, ...rest }) => {
  Promise.resolve()
    .then(() => orders[order](rest))
    .then(
      (answer) => process.send({ number, answer: answer ?? {} }),
      (error) => process.send({ number, error: error.message }),
    );
});
process.on('disconnect', () => process.exit(0));
