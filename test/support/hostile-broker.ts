/**
 * A broker that serves everyone and keeps no rule: no credentials, no ACL. It remembers what passes, and on demand
 * forges, replays, duplicates and babbles. Used where a rig names an external broker, to show that correctness
 * rests on nothing the broker does.
 */
import net from 'node:net';
import { Aedes } from 'aedes';

export interface Captured {
  readonly topic: string;
  readonly payload: Buffer;
}

export interface HostileBroker {
  readonly url: string;
  readonly port: number;
  /** Every message that clients published, oldest first; the last 20 000. */
  readonly captured: readonly Captured[];
  /** What becomes of each message a client publishes: by default itself. Returning [] swallows it. */
  alter: ((message: Captured) => readonly Captured[]) | null;
  /** Sends a message of its own to whoever subscribes. */
  forge(
    topic: string,
    payload: Uint8Array,
    quality?: { readonly retain?: boolean; readonly qos?: 0 | 1 },
  ): void;
  /** Sends a captured message again, `times` times. */
  replay(message: Captured, times?: number): void;
  /** Sends `payload` to `topic` in every turn of the event loop, `perTurn` at a time, until the returned function is called. */
  babble(topic: string, payload: Uint8Array, perTurn?: number): () => void;
  /** Clients connected now. */
  clients(): number;
  stop(): Promise<void>;
}

const capturedMax = 20_000;

/** Starts one on any free port, or on `port`. */
export async function startHostileBroker(port = 0): Promise<HostileBroker> {
  const captured: Captured[] = [];
  const broker = await Aedes.createBroker({
    // Its own babble must not be throttled by its own queue.
    concurrency: 10_000,
    drainTimeout: 1000,
    authorizePublish: (client, packet, done) => {
      if (client !== null) {
        const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
        const message = { topic: packet.topic, payload: Buffer.from(payload) };
        captured.push(message);
        if (captured.length > capturedMax) captured.shift();
        if (hostile.alter !== null) {
          for (const { topic, payload: bytes } of hostile.alter(message)) hostile.forge(topic, bytes);
          // The original goes nowhere.
          packet.topic = 'swallowed';
          packet.payload = Buffer.alloc(0);
        }
      }
      done(null);
    },
  });
  const server = net.createServer({ noDelay: true }, broker.handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the hostile broker has no port');
  const stops = new Set<() => void>();
  const hostile: HostileBroker = {
    url: `mqtt://127.0.0.1:${String(address.port)}`,
    port: address.port,
    captured,
    alter: null,
    forge(topic, payload, { retain = false, qos = 0 } = {}) {
      broker.publish(
        { cmd: 'publish', topic, payload: Buffer.from(payload), qos, retain, dup: false },
        () => undefined,
      );
    },
    replay(message, times = 1) {
      for (let i = 0; i < times; i += 1) hostile.forge(message.topic, message.payload);
    },
    babble(topic, payload, perTurn = 50) {
      let on = true;
      const turn = (): void => {
        if (!on) return;
        for (let i = 0; i < perTurn; i += 1) hostile.forge(topic, payload);
        setImmediate(turn);
      };
      turn();
      const stop = (): void => {
        on = false;
        stops.delete(stop);
      };
      stops.add(stop);
      return stop;
    },
    clients: () => broker.connectedClients,
    async stop() {
      for (const stop of stops) stop();
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      await new Promise<void>((resolve) => {
        broker.close(() => {
          resolve();
        });
      });
      await closed;
    },
  };
  return hostile;
}
