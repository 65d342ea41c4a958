/** The links of the tests with several hosts do what they were told, over real sockets. */
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { LinkProxy, type LinkConditions } from '../../support/link-proxy.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A server that keeps what comes and says everything back, and a link to it. */
async function makeLink(conditions: Partial<LinkConditions> = {}) {
  const proxy = LinkProxy.start({ host: '127.0.0.1' });
  cleanUps.push(() => proxy.close());
  const arrivals: net.Socket[] = [];
  const server = net.createServer((socket) => {
    arrivals.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const socket of arrivals) socket.destroy();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  const place = await proxy.open('a>b', { host: '127.0.0.1', port }, conditions);
  const dial = async (): Promise<net.Socket> => {
    const socket = net.connect({ ...place, noDelay: true });
    socket.on('error', () => undefined);
    cleanUps.push(() => {
      socket.destroy();
    });
    await once(socket, 'connect');
    return socket;
  };
  return { proxy, arrivals, dial };
}

/** Sends a text and waits for it to come back; milliseconds of the monotonic clock. */
async function timeEcho(socket: net.Socket, text: string): Promise<number> {
  const from = performance.now();
  let heard = '';
  const back = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard === text) resolve();
    });
  });
  socket.write(text);
  await back;
  socket.removeAllListeners('data');
  return performance.now() - from;
}

test('a clear link hands on everything, in order, with both ends of a connection', async () => {
  const { proxy, arrivals, dial } = await makeLink();
  const socket = await dial();
  const text = Array.from({ length: 20_000 }, (_, at) => `${at} `).join('');
  await timeEcho(socket, text);
  const { bytes, lost, connections } = await proxy.counts('a>b');
  expect({ bytes, lost, connections }).toEqual({ bytes: 2 * text.length, lost: 0, connections: 1 });
  socket.end();
  await once(arrivals[0] as net.Socket, 'close');
  const other = await dial();
  await timeEcho(other, 'x');
  arrivals[1]?.end();
  other.resume();
  await once(other, 'end');
});

test('delay, loss and throughput take the time that they should, and can be taken back', async () => {
  const { proxy, dial } = await makeLink({ delayMs: 40 });
  const socket = await dial();
  expect(await timeEcho(socket, 'x')).toBeGreaterThanOrEqual(80);
  await proxy.set('a>b', { delayMs: 0, loss: 1, retransmitMs: 60 });
  expect(await timeEcho(socket, 'y')).toBeGreaterThanOrEqual(120);
  expect((await proxy.counts('a>b')).lost).toBe(2);
  await proxy.set('a>b', { loss: 0, bytesPerSecond: 10_000 });
  expect(await timeEcho(socket, 'z'.repeat(1000))).toBeGreaterThanOrEqual(200);
  await proxy.set('a>b', { bytesPerSecond: null });
  // Nothing of it is left: whatever a busy machine adds, ten of these do not take what one took before.
  const quick = await Promise.all(Array.from({ length: 10 }, async () => timeEcho(await dial(), 'q')));
  expect(Math.min(...quick)).toBeLessThan(80);
});

test('jitter of the same seed is the same, and never turns the order around', async () => {
  const { dial } = await makeLink({ jitterMs: 3 });
  const socket = await dial();
  const heard: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => heard.push(chunk));
  const text = Array.from({ length: 50 }, (_, at) => `${at},`);
  for (const part of text) {
    socket.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  await once(socket, 'close');
  expect(Buffer.concat(heard).toString()).toBe(text.join(''));
});

test('over a cut link nobody hears of anything; restored, what waited arrives, and who gave up does not', async () => {
  const { proxy, arrivals, dial } = await makeLink();
  const patient = await dial();
  await timeEcho(patient, 'x');
  await proxy.cut('a>b');
  const hasty = await dial();
  hasty.write('never mind');
  hasty.destroy();
  const late = await dial();
  // The proxy has seen that one go when it has counted the other.
  const echo = timeEcho(late, 'late');
  const waited = timeEcho(patient, 'waited');
  let before = await proxy.counts('a>b');
  while (before.bytes < 'xx'.length + 'never mindlatewaited'.length) before = await proxy.counts('a>b');
  expect([before.connections, arrivals.length]).toEqual([3, 1]);
  await proxy.restore('a>b');
  await Promise.all([echo, waited]);
  expect(arrivals).toHaveLength(2);
});

test('a reset ends every connection at both ends; the link takes new ones', async () => {
  const { proxy, arrivals, dial } = await makeLink();
  const socket = await dial();
  await timeEcho(socket, 'x');
  const ends = [socket, arrivals[0] as net.Socket].map(
    (end) => new Promise((resolve) => end.once('close', resolve)),
  );
  expect(await proxy.reset('a>b')).toBe(1);
  await Promise.all(ends);
  await timeEcho(await dial(), 'y');
});

test('a link that is not there is named, and so is the end of the proxy', async () => {
  const { proxy } = await makeLink();
  await expect(proxy.cut('b>a')).rejects.toThrow(/there is no link b>a; there are a>b/);
  await proxy.close();
  await expect(proxy.cut('a>b')).rejects.toThrow();
});
