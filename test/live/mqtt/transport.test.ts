/** The transport over embedded inboxes: ways, reconnection, nothing stale, TCP_NODELAY, receivers that freeze. */
import net from 'node:net';
import mqttPacket from 'mqtt-packet';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  createMqttTransport,
  type MqttTransport,
  type MqttTransportOptions,
} from '../../../src/mqtt/mqtt-transport.js';
import type { Link } from '../../../src/mqtt/link.js';
import { eventually, freePort, makeListLog, nowUs, silentLog } from '../../support/mqtt-kit.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
  vi.restoreAllMocks();
});

interface Got {
  readonly from: string;
  readonly purpose: string;
  readonly text: string;
  readonly atUs: number;
}

interface Party {
  readonly transport: MqttTransport;
  readonly got: Got[];
  readonly links: string[];
}

async function open(options: MqttTransportOptions): Promise<Party> {
  const transport = await createMqttTransport(options);
  opened.push(transport);
  const got: Got[] = [];
  const links: string[] = [];
  transport.onFrame((from, purpose, frame, atUs) => {
    got.push({ from, purpose, text: Buffer.from(frame).toString(), atUs });
  });
  transport.onLink((to, up) => {
    links.push(`${to} ${up ? 'up' : 'down'}`);
  });
  return { transport, got, links };
}

const password = (from: string, to: string): string => `${from}>${to}`;

/** A mesh of replicas with embedded inboxes, and their ports. */
async function openMesh(
  ids: readonly string[],
  more: Partial<MqttTransportOptions> = {},
): Promise<{ parties: Map<string, Party>; ports: Map<string, number> }> {
  const ports = new Map<string, number>();
  for (const id of ids) ports.set(id, await freePort());
  const parties = new Map<string, Party>();
  for (const id of ids) {
    const others = ids.filter((other) => other !== id);
    parties.set(
      id,
      await open({
        rigId: 'rig',
        self: id,
        inbox: { kind: 'embedded', host: '127.0.0.1', port: ports.get(id) ?? 0 },
        peers: others.map((to) => ({
          id: to,
          inbox: { kind: 'embedded', host: '127.0.0.1', port: ports.get(to) ?? 0 },
          sendPassword: password(id, to),
        })),
        acceptFrom: others.map((from) => ({
          id: from,
          purposes: ['hello', 'round'],
          password: password(from, id),
        })),
        operators: [{ id: 'op', purposes: ['control'], password: password('op', id) }],
        nowUs,
        log: silentLog,
        ...more,
      }),
    );
  }
  for (const [id, { transport }] of parties) {
    for (const to of ids) if (to !== id) await eventually(`${id} up to ${to}`, () => transport.isUp(to));
  }
  return { parties, ports };
}

function party(parties: Map<string, Party>, id: string): Party {
  const found = parties.get(id);
  if (found === undefined) throw new Error(`no party ${id}`);
  return found;
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

test('every replica reaches every other, purposes and senders kept apart; a stamp is not later than the handler', async () => {
  const ids = ['a', 'b', 'c'];
  const { parties } = await openMesh(ids);
  const beganUs = nowUs();
  for (const from of ids)
    for (const to of ids)
      if (from !== to) party(parties, from).transport.send(to, 'round', bytes(`${from}${to}`));
  for (const id of ids) {
    const { got, links } = party(parties, id);
    await eventually('both frames', () => got.length === 2);
    for (const { from, purpose, text, atUs } of got) {
      expect(text).toBe(`${from}${id}`);
      expect(purpose).toBe('round');
      expect(atUs).toBeGreaterThanOrEqual(beganUs);
      expect(atUs).toBeLessThanOrEqual(nowUs());
    }
    expect(links.every((line) => line.endsWith('up'))).toBe(true);
  }
  const { transport } = party(parties, 'a');
  transport.send('nobody', 'round', bytes('x'));
  expect(transport.counters().noWay).toBe(1);
  expect(transport.counters().links.get('b')).toMatchObject({ sent: 1, sentBytes: 2, connects: 1 });
});

test('an operator without an inbox sends to one and reads its answer there', async () => {
  const { parties, ports } = await openMesh(['a', 'b']);
  const op = await open({
    rigId: 'rig',
    self: 'op',
    inbox: null,
    peers: ['a', 'b'].map((to) => ({
      id: to,
      inbox: { kind: 'embedded', host: '127.0.0.1', port: ports.get(to) ?? 0 },
      sendPassword: password('op', to),
    })),
    acceptFrom: ['a', 'b'].map((from) => ({ id: from, purposes: ['answer'], password: '' })),
    nowUs,
    log: silentLog,
  });
  await eventually('both links', () => op.transport.isUp('a') && op.transport.isUp('b'));
  op.transport.send('a', 'control', bytes('fault'));
  const a = party(parties, 'a');
  await eventually('the control frame', () => a.got.length === 1);
  expect(a.got[0]).toMatchObject({ from: 'op', purpose: 'control', text: 'fault' });
  a.transport.send('op', 'answer', bytes('done'));
  await eventually('the answer', () => op.got.length === 1);
  expect(op.got[0]).toMatchObject({ from: 'a', purpose: 'answer', text: 'done' });
});

test('a killed inbox comes back on its port; what was sent meanwhile never arrives', async () => {
  const { parties } = await openMesh(['a', 'b']);
  const a = party(parties, 'a');
  const b = party(parties, 'b');
  for (let life = 0; life < 2; life += 1) {
    await b.transport.inbox?.close();
    await eventually('the link down', () => !a.transport.isUp('b'));
    for (let i = 0; i < 50; i += 1) a.transport.send('b', 'round', bytes('stale'));
    // b's own way to a is not touched.
    b.transport.send('a', 'round', bytes('still here'));
    await b.transport.inbox?.open();
    const openedMs = performance.now();
    await eventually('the link up', () => a.transport.isUp('b'));
    expect(performance.now() - openedMs).toBeLessThan(5000);
    a.transport.send('b', 'round', bytes(`fresh ${String(life)}`));
    await eventually('the fresh frame', () => b.got.some(({ text }) => text === `fresh ${String(life)}`));
  }
  expect(b.got.map(({ text }) => text)).toEqual(['fresh 0', 'fresh 1']);
  expect(a.got.map(({ text }) => text)).toEqual(['still here', 'still here']);
  expect(a.transport.counters().links.get('b')).toMatchObject({ droppedDown: 100, sent: 2, connects: 3 });
  expect(a.links.filter((line) => line === 'b down')).toHaveLength(2);
});

test('a receiver that starts late is found; until then nothing is queued, and after a second the log names it', async () => {
  const port = await freePort();
  const log = makeListLog();
  const a = await open({
    rigId: 'rig',
    self: 'a',
    inbox: null,
    peers: [{ id: 'b', inbox: { kind: 'embedded', host: '127.0.0.1', port }, sendPassword: 'x' }],
    acceptFrom: [],
    nowUs,
    log,
  });
  a.transport.send('b', 'round', bytes('early'));
  expect(log.lines).toEqual([]);
  await eventually('a word in the log', () => log.lines.length > 0);
  expect(log.lines[0]).toMatch(/no connection to the inbox of 'b': .*ECONNREFUSED/);
  const b = await open({
    rigId: 'rig',
    self: 'b',
    inbox: { kind: 'embedded', host: '127.0.0.1', port },
    peers: [],
    acceptFrom: [{ id: 'a', purposes: ['round'], password: 'x' }],
    nowUs,
    log: silentLog,
  });
  await eventually('the link', () => a.transport.isUp('b'));
  a.transport.send('b', 'round', bytes('now'));
  await eventually('the frame', () => b.got.length === 1);
  expect(b.got[0]?.text).toBe('now');
});

test('the wrong password is named in the log, and the link stays down', async () => {
  const log = makeListLog();
  const b = await open({
    rigId: 'rig',
    self: 'b',
    inbox: { kind: 'embedded', host: '127.0.0.1', port: 0 },
    peers: [],
    acceptFrom: [{ id: 'a', purposes: ['round'], password: 'x' }],
    nowUs,
    log: silentLog,
  });
  const address = b.transport.address();
  if (address === null) throw new Error('no address');
  const a = await open({
    rigId: 'rig',
    self: 'a',
    inbox: null,
    peers: [{ id: 'b', inbox: { kind: 'embedded', host: 'ignored.invalid', port: 1 }, sendPassword: 'y' }],
    acceptFrom: [],
    addresses: new Map([['b', address]]),
    nowUs,
    log,
  });
  await eventually('a word in the log', () =>
    log.lines.some((line) => /Bad username or password/.test(line)),
  );
  expect(a.transport.isUp('b')).toBe(false);
});

test('of two passwords the one that the receiver knows is found, and its newer one when it has it', async () => {
  const b = await open({
    rigId: 'rig',
    self: 'b',
    inbox: { kind: 'embedded', host: '127.0.0.1', port: 0 },
    peers: [],
    acceptFrom: [{ id: 'a', purposes: ['round'], password: 'old' }],
    nowUs,
    log: silentLog,
  });
  const address = b.transport.address();
  if (address === null) throw new Error('no address');
  const a = await open({
    rigId: 'rig',
    self: 'a',
    inbox: null,
    peers: [{ id: 'b', inbox: { kind: 'embedded', host: 'ignored.invalid', port: 1 }, sendPassword: 'new' }],
    acceptFrom: [],
    addresses: new Map([['b', address]]),
    nowUs,
    log: silentLog,
  });
  const admit = (...passwords: string[]): void =>
    b.transport.renewCredentials({ own: [], sending: new Map(), admitted: new Map([['a', passwords]]) });
  a.transport.renewCredentials({ own: [], sending: new Map([['b', ['new', 'old']]]), admitted: new Map() });
  await eventually('the link with the old password', () => a.transport.isUp('b'));
  admit('new', 'old');
  admit('new');
  expect(a.transport.isUp('b')).toBe(true);
  await b.transport.inbox?.close();
  await eventually('the end of the link', () => !a.transport.isUp('b'));
  await b.transport.inbox?.open();
  await eventually('the link with the new password', () => a.transport.isUp('b'));
  admit();
  await eventually('the end of a revoked one', () => !a.transport.isUp('b'));
});

test('a fault may stand around the inbox and around a link', async () => {
  const dropped: string[] = [];
  const wrapLink = (link: Link): Link => ({
    ...link,
    get up() {
      return link.up;
    },
    send: (purpose, frame) => {
      if (frame[0] === 0x78) dropped.push(link.to);
      else link.send(purpose, frame);
    },
  });
  const { parties } = await openMesh(['a', 'b'], { wrapLink });
  party(parties, 'a').transport.send('b', 'round', bytes('x lost'));
  party(parties, 'a').transport.send('b', 'round', bytes('kept'));
  await eventually('the frame', () => party(parties, 'b').got.length === 1);
  expect(party(parties, 'b').got[0]?.text).toBe('kept');
  expect(dropped).toEqual(['b']);
});

test('TCP_NODELAY is set on both ends of every connection, again after a reconnection', async () => {
  const spy = vi.spyOn(net.Socket.prototype, 'setNoDelay');
  const { parties } = await openMesh(['a', 'b']);
  const b = party(parties, 'b');
  // Two links, two ends each.
  const calls = (): number => spy.mock.calls.filter(([on]) => on !== false).length;
  expect(calls()).toBeGreaterThanOrEqual(4);
  await b.transport.inbox?.close();
  const before = calls();
  await b.transport.inbox?.open();
  await eventually('the link up', () => party(parties, 'a').transport.isUp('b'));
  expect(calls()).toBeGreaterThanOrEqual(before + 2);
});

test('small frames in quick succession do not wait for acknowledgements', async () => {
  const { parties } = await openMesh(['a', 'b']);
  const a = party(parties, 'a').transport;
  const b = party(parties, 'b');
  const delaysUs: number[] = [];
  for (let i = 0; i < 60; i += 1) {
    a.send('b', 'round', bytes('first'));
    await new Promise((resolve) => setImmediate(resolve));
    const sentUs = nowUs();
    a.send('b', 'round', bytes('second'));
    const count = 2 * (i + 1);
    await eventually('both', () => b.got.length === count);
    delaysUs.push((b.got.at(-1)?.atUs ?? Infinity) - sentUs);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // Nagle's algorithm against delayed acknowledgements costs the second one 40 ms.
  delaysUs.sort((x, y) => x - y);
  expect(delaysUs[30]).toBeLessThan(20_000);
});

describe('a receiver that', () => {
  /** Answers CONNECT, then does what `then` says. */
  async function fakeInbox(
    then: (socket: net.Socket, packet: mqttPacket.Packet) => void,
  ): Promise<{ port: number; connections: () => number }> {
    let connections = 0;
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      connections += 1;
      sockets.add(socket);
      socket.on('error', () => undefined);
      const parser = mqttPacket.parser();
      parser.on('packet', (packet) => {
        if (packet.cmd === 'connect')
          socket.write(mqttPacket.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }));
        then(socket, packet);
      });
      socket.on('data', (chunk) => parser.parse(chunk));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({
      close: () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { port: address.port, connections: () => connections };
  }
  const sender = (port: number, more: Partial<MqttTransportOptions> = {}): Promise<Party> =>
    open({
      rigId: 'rig',
      self: 'a',
      inbox: null,
      peers: [{ id: 'b', inbox: { kind: 'embedded', host: '127.0.0.1', port }, sendPassword: 'x' }],
      acceptFrom: [],
      nowUs,
      log: silentLog,
      ...more,
    });

  test('answers no ping is given up, and tried again', async () => {
    const { port, connections } = await fakeInbox(() => undefined);
    const a = await sender(port);
    await eventually('the link', () => a.transport.isUp('b'));
    // Frames that leave say nothing about whether the other end lives.
    const talk = setInterval(() => {
      a.transport.send('b', 'round', bytes('x'));
    }, 50);
    try {
      await eventually('the link down', () => a.links.includes('b down'), 5000);
      await eventually('another attempt', () => connections() > 1);
    } finally {
      clearInterval(talk);
    }
  });

  test('reads nothing costs bounded memory: frames are dropped and counted', async () => {
    const { port } = await fakeInbox((socket) => socket.pause());
    const a = await sender(port, { limits: { sendBacklogBytes: 32 * 1024 } });
    await eventually('the link', () => a.transport.isUp('b'));
    const frame = new Uint8Array(4000);
    await eventually('a drop', () => {
      for (let i = 0; i < 200; i += 1) a.transport.send('b', 'round', frame);
      return (a.transport.counters().links.get('b')?.droppedBacklog ?? 0) > 0;
    });
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 100_000; i += 1) a.transport.send('b', 'round', frame);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  test('speaks garbage, floods or sends what MQTT 3.1.1 forbids is cut and counted, and throws nothing', async () => {
    const evil: readonly (Buffer | string)[] = [
      Buffer.from([0x20, 0x02, 0x00, 0x00]),
      Buffer.from([0x40, 0x02, 0x00, 0x01]),
      Buffer.from([0x90, 0x03, 0x00, 0x01, 0x55]),
      Buffer.from([0x90, 0x03, 0x12, 0x34, 0x00]),
      Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]),
      Buffer.from([0x30, 0x02, 0xff, 0xff]),
      Buffer.from([0xe0, 0x00]),
      Buffer.from([0x00, 0x00]),
      `GET / HTTP/1.1\r\nHost: ${'x'.repeat(80)}\r\n\r\n`,
      Buffer.alloc(3000, Buffer.from([0x30, 0x03, 0x00, 0x01, 0x78])),
    ];
    let turn = 0;
    const { port } = await fakeInbox((socket, packet) => {
      if (packet.cmd !== 'connect') return;
      socket.write(evil[turn % evil.length] ?? '');
      turn += 1;
    });
    const a = await sender(port);
    await eventually('every trick played', () => turn > evil.length, 20_000);
    const counters = a.transport.counters().links.get('b');
    expect(counters?.refusedMalformed).toBeGreaterThanOrEqual(8);
    expect(a.got).toEqual([]);
  });
});
