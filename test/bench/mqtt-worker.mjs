/**
 * One process of the raw exchange (mqtt-bench.mjs): sends one message to every peer at given instants and notes
 * when theirs arrive. Stacks: `inbox`, this package's transport; `plain`, aedes and MQTT.js as their manuals have
 * them, with TCP_NODELAY; `tcp`, bare sockets, the floor.
 * Needs a build (`npx tsc -b`). Talks to its parent only over the fork's channel.
 */
import net from 'node:net';

const nowUs = () => Number(process.hrtime.bigint() / 1000n);
const silent = { debug() {}, info() {}, warn() {}, error: (text) => process.stderr.write(`${text}\n`) };
const ids = (n) => Array.from({ length: n }, (_, i) => `r${i}`);

/** Each returns { send(peer, bytes), isReady(), close() } and calls `onMessage(bytes, arrivedUs)`. */
const stacks = {
  async inbox({ self, n, ports, brokerUrl, onMessage }) {
    const { createMqttTransport } = await import('../../dist/src/mqtt/mqtt-transport.js');
    const names = ids(n);
    const me = names[self];
    const inboxOf = (i) =>
      brokerUrl === null
        ? { kind: 'embedded', host: '127.0.0.1', port: ports[i] }
        : { kind: 'external', url: brokerUrl };
    const others = names.map((id, i) => ({ id, i })).filter(({ i }) => i !== self);
    const transport = await createMqttTransport({
      rigId: 'bench',
      self: me,
      inbox: inboxOf(self),
      peers: others.map(({ id, i }) => ({ id, inbox: inboxOf(i), sendPassword: `${me}>${id}` })),
      acceptFrom: others.map(({ id }) => ({ id, purposes: ['round'], password: `${id}>${me}` })),
      nowUs,
      log: silent,
    });
    transport.onFrame((_from, _purpose, frame, arrivedUs) => onMessage(frame, arrivedUs));
    return {
      send: (peer, bytes) => transport.send(names[peer], 'round', bytes),
      isReady: () => others.every(({ id }) => transport.isUp(id)),
      close: () => transport.close(),
    };
  },

  async plain({ self, n, ports, onMessage }) {
    const { Aedes } = await import('aedes');
    const { MqttClient } = await import('mqtt');
    const broker = await Aedes.createBroker({
      authorizePublish: (_client, packet, done) => {
        onMessage(packet.payload, nowUs());
        done(null);
      },
    });
    const server = net.createServer({ noDelay: true }, broker.handle);
    await new Promise((resolve) => server.listen(ports[self], '127.0.0.1', resolve));
    const clients = ids(n).map((id, i) => {
      if (i === self) return null;
      const dial = () => net.connect({ host: '127.0.0.1', port: ports[i], noDelay: true });
      const client = new MqttClient(dial, {
        clientId: `r${self}`,
        protocolVersion: 4,
        queueQoSZero: false,
        reconnectPeriod: 100,
      });
      client.on('error', () => undefined);
      return { client, topic: `voteplane/bench/${id}/r${self}/round` };
    });
    return {
      send: (peer, bytes) => clients[peer].client.publish(clients[peer].topic, bytes),
      isReady: () => clients.every((entry) => entry === null || entry.client.connected),
      async close() {
        await Promise.all(clients.map((entry) => entry?.client.endAsync(true)));
        await new Promise((resolve) => broker.close(resolve));
        server.close();
      },
    };
  },

  async tcp({ self, n, ports, onMessage, size }) {
    const server = net.createServer({ noDelay: true }, (socket) => {
      let held = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        const arrivedUs = nowUs();
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        for (; held.length >= size; held = held.subarray(size)) onMessage(held.subarray(0, size), arrivedUs);
      });
    });
    await new Promise((resolve) => server.listen(ports[self], '127.0.0.1', resolve));
    let connected = 0;
    const sockets = new Array(n).fill(null);
    const dial = (i) => {
      const socket = net.connect({ host: '127.0.0.1', port: ports[i], noDelay: true });
      socket.on('connect', () => {
        connected += 1;
        sockets[i] = socket;
      });
      socket.on('error', () => setTimeout(dial, 100, i));
    };
    for (let i = 0; i < n; i += 1) if (i !== self) dial(i);
    return {
      send: (peer, bytes) => sockets[peer].write(bytes),
      isReady: () => connected === n - 1,
      async close() {
        for (const socket of sockets) socket?.destroy();
        server.close();
      },
    };
  },
};

let stack = null;
let arrivals = null;

process.on('message', (order) => {
  void orders[order.kind](order).then(
    (answer) => process.send({ kind: 'done', ...answer }),
    (error) => process.send({ kind: 'failed', text: String(error?.stack ?? error) }),
  );
});
process.on('disconnect', () => process.exit(0));

const orders = {
  async start(order) {
    const { self, n } = order;
    stack = await stacks[order.stack]({
      ...order,
      onMessage(bytes, arrivedUs) {
        if (arrivals === null) return;
        const round = bytes[0] | (bytes[1] << 8);
        arrivals[round * n + bytes[2]] = arrivedUs;
      },
    });
    return { self };
  },

  async ready() {
    for (;;) {
      if (stack.isReady()) return {};
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },

  /**
   * `rounds` exchanges, the k-th at startUs + k·periodUs; with `quiet` the timers run and nothing is sent. The pace
   * `spin` begins on time to some microseconds; with `timer`, within a millisecond, the processor's time can be
   * measured; `replica` waits as a replica does for its tick.
   */
  async exchange({ self, n, rounds, startUs, periodUs, size, quiet, pace }) {
    const until = await paces[pace]();
    arrivals = new Float64Array(rounds * n);
    const sends = new Float64Array(rounds * n);
    const bytes = new Uint8Array(size);
    const before = process.cpuUsage();
    for (let round = 0; round < rounds; round += 1) {
      await until(startUs + round * periodUs);
      if (quiet) continue;
      for (let step = 1; step < n; step += 1) {
        const peer = (self + step) % n;
        const copy = bytes.slice();
        copy[0] = round & 0xff;
        copy[1] = round >> 8;
        copy[2] = self;
        sends[round * n + peer] = nowUs();
        stack.send(peer, copy);
      }
    }
    await sleepUntil(startUs + rounds * periodUs + 100_000);
    const cpu = process.cpuUsage(before);
    const answer = {
      sends: [...sends],
      arrivals: [...arrivals],
      cpuUs: cpu.user + cpu.system,
      rssMiB: process.memoryUsage().rss / 2 ** 20,
    };
    arrivals = null;
    return answer;
  },

  async stop() {
    await stack.close();
    setTimeout(() => process.exit(0), 50);
    return {};
  },
};

const sleepUntil = (atUs) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(1, Math.ceil((atUs - nowUs()) / 1000))));

/** Timers round up to whole milliseconds: the last one is waited for in turns of the event loop. */
function spinUntil(atUs) {
  return new Promise((resolve) => {
    const turn = () => (nowUs() >= atUs ? resolve() : setImmediate(turn));
    const waitMs = (atUs - nowUs()) / 1000;
    if (waitMs > 2) setTimeout(turn, Math.floor(waitMs) - 1);
    else turn();
  });
}

const paces = {
  spin: () => spinUntil,
  timer: () => sleepUntil,
  async replica() {
    const { createSystemClock } = await import('../../dist/src/process/system-clock.js');
    const clock = createSystemClock();
    return (atUs) => new Promise((resolve) => clock.schedule(atUs, resolve));
  },
};
