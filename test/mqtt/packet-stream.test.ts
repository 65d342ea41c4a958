import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketStream, type Verdict } from '../../src/mqtt/packet-stream.js';

/** A socket without a network: what is written to it is kept, what arrives is given by `receive`. */
class FakeSocket extends Duplex {
  noDelay = false;
  readonly written: Buffer[] = [];
  setNoDelay(on: boolean): this {
    this.noDelay = on;
    return this;
  }
  override _read(): void {
    // Data comes by `receive`.
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk);
    done();
  }
  receive(chunk: Uint8Array): void {
    this.emit('data', Buffer.from(chunk));
  }
}

interface Seen {
  readonly packets: string[];
  readonly faults: string[];
  readonly socket: FakeSocket;
  readonly stream: PacketStream;
}

function open(maxPacketBytes: number, verdict: Verdict = 'taken'): Seen {
  const socket = new FakeSocket();
  const packets: string[] = [];
  const faults: string[] = [];
  const stream = new PacketStream(socket as unknown as Socket, {
    maxPacketBytes,
    nowUs: () => 1,
    onPacket: (_stream, bytes, start, bodyStart, end) => {
      packets.push(`${bytes.toString('hex', start, bodyStart)}:${bytes.toString('hex', bodyStart, end)}`);
      return verdict;
    },
    onFault: (_stream, fault) => faults.push(fault),
  });
  return { packets, faults, socket, stream };
}

function encode(type: number, body: Uint8Array): Uint8Array {
  const header = [type];
  let rest = body.length;
  do {
    const more = rest >= 128;
    header.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Uint8Array.from([...header, ...body]);
}

test('however a stream of packets is cut into reads, the same packets come out', () => {
  const packet = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 200 })),
      (items, cuts) => {
        const encoded = items.map(([type, body]) => encode(type, body));
        const all = Buffer.concat(encoded);
        const whole = open(1000);
        whole.socket.receive(all);
        const pieces = open(1000);
        let at = 0;
        for (const cut of cuts) {
          if (at >= all.length) break;
          pieces.socket.receive(all.subarray(at, at + cut));
          at += cut;
        }
        if (at < all.length) pieces.socket.receive(all.subarray(at));
        const bytewise = open(1000);
        for (const byte of all) bytewise.socket.receive(Uint8Array.of(byte));
        expect(whole.packets.map((text) => text.replace(':', ''))).toEqual(
          encoded.map((bytes) => Buffer.from(bytes).toString('hex')),
        );
        expect(pieces.packets).toEqual(whole.packets);
        expect(bytewise.packets).toEqual(whole.packets);
        expect([...whole.faults, ...pieces.faults, ...bytewise.faults]).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  ['in one read', 1],
  ['byte by byte', 0],
])('an oversize packet is refused by its length alone, %s', (_name, whole) => {
  const { socket, faults, stream, packets } = open(100);
  // Two bytes of header announce 98 bytes of body: exactly the cap; then one more.
  socket.receive(encode(0x30, new Uint8Array(98)));
  expect(packets).toHaveLength(1);
  const header = Uint8Array.of(0x30, 99);
  if (whole === 1) socket.receive(header);
  else for (const byte of header) socket.receive(Uint8Array.of(byte));
  expect(faults).toEqual(['oversize']);
  expect(stream.destroyed).toBe(true);
  expect(socket.destroyed).toBe(true);
});

test('a length of five bytes is malformed, and nothing after it is looked at', () => {
  const { socket, faults, packets } = open(100);
  socket.receive(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x01, 0xc0, 0x00));
  socket.receive(Uint8Array.of(0xc0, 0x00));
  expect(faults).toEqual(['malformed']);
  expect(packets).toEqual([]);
});

test('a packet that ends the connection is the last one', () => {
  const { socket, stream, packets } = open(100, 'cut');
  socket.receive(Uint8Array.of(0xc0, 0x00, 0xc0, 0x00));
  expect(packets).toHaveLength(1);
  expect(stream.destroyed).toBe(true);
});

test('packets that pass reach the library behind, its answers the socket, and TCP_NODELAY is on', async () => {
  const { socket, stream } = open(100, 'pass');
  expect(socket.noDelay).toBe(true);
  const got = new Promise<Buffer>((resolve) => stream.once('data', resolve));
  socket.receive(Uint8Array.of(0xc0, 0x00));
  expect((await got).toString('hex')).toBe('c000');
  stream.write(Buffer.from([0xd0]));
  stream.write(Buffer.from([0x00]));
  await new Promise((resolve) => setImmediate(resolve));
  expect(Buffer.concat(socket.written).toString('hex')).toBe('d000');
});
