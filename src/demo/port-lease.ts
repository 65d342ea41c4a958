/**
 * Ports for one flight on loopback. A flight holds the first port of an aligned block open for as long as it lasts, and
 * takes its own from behind it: so two flights on a host never pick the same ones, however close together they start.
 */
import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';
/** Below the ports that systems hand out by themselves. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const BLOCK = 64;
const ATTEMPTS = 64;

/** Ports that nobody else uses until `release`. */
export interface PortLease {
  readonly ports: readonly number[];
  release(): Promise<void>;
}

/**
 * Leases `count` free ports, at most 63. `random` gives numbers from 0 to 1. Throws where the host has no block of so
 * many left.
 */
export async function leasePorts(count: number, random: () => number): Promise<PortLease> {
  if (count >= BLOCK) throw new RangeError(`a flight takes at most ${BLOCK - 1} ports, not ${count}`);
  const blocks = Math.floor((LAST_PORT - FIRST_PORT) / BLOCK);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const base = FIRST_PORT + BLOCK * Math.floor(random() * blocks);
    const guard = await tryListen(base);
    if (guard === null) continue;
    const ports: number[] = [];
    for (let port = base + 1; port < base + BLOCK && ports.length < count; port += 1) {
      const probe = await tryListen(port);
      if (probe === null) continue;
      await close(probe);
      ports.push(port);
    }
    if (ports.length === count) return { ports, release: () => close(guard) };
    await close(guard);
  }
  throw new Error(
    `no ${count} free ports on ${HOST} between ${FIRST_PORT} and ${LAST_PORT}; end what holds them, such as other demos`,
  );
}

function tryListen(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(null));
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
