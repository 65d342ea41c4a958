/** Who may do what at an embedded inbox (protocol.md §7). */
import { afterEach, describe, expect, test } from 'vitest';
import { connectMember, eventually, openInbox, RawClient, type TestInbox } from '../../support/mqtt-kit.js';

let open: TestInbox | null = null;
const clients: RawClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  await open?.inbox.close();
  open = null;
});

async function start(...args: Parameters<typeof openInbox>): Promise<TestInbox> {
  open = await openInbox(...args);
  return open;
}
async function member(port: number, id: string): Promise<RawClient> {
  const client = await connectMember(port, id);
  clients.push(client);
  return client;
}
function stranger(port: number): RawClient {
  const client = new RawClient(port);
  clients.push(client);
  return client;
}

describe('credentials', () => {
  test('a member with its password is heard, and under its own name only', async () => {
    const { port, arrivals } = await start();
    const b = await member(port, 'b');
    b.publish('voteplane/rig/a/b/round', 'one');
    await eventually('the frame', () => arrivals.length === 1);
    expect(arrivals[0]).toMatchObject({ from: 'b', purpose: 'round', text: 'one' });
  });

  test.each([
    ['a wrong password', 'b', { password: Buffer.from('pw-c') }],
    ['no password', 'b', { password: undefined as never }],
    ['no name', 'b', { username: undefined as never, password: undefined as never }],
    ['an unknown name', 'mallory', {}],
    ['a name of the language', '__proto__', {}],
    ["another's client id", 'b', { clientId: 'c' }],
    ['no client id', 'b', { clientId: '' }],
  ])('%s is refused with CONNACK 4', async (_name, id, more) => {
    const { port, inbox } = await start();
    const client = stranger(port);
    expect(await client.connect(id, more)).toBe(4);
    await eventually('the end of the connection', () => client.closed);
    expect(inbox.counters().refused.credentials).toBe(1);
  });

  test('a frame that follows CONNECT at once counts only if CONNECT does', async () => {
    const { port, arrivals, inbox } = await start();
    const bad = stranger(port);
    const refused = bad.connect('b', { password: Buffer.from('guess') });
    bad.publish('voteplane/rig/a/b/round', 'forged');
    expect(await refused).toBe(4);
    const good = stranger(port);
    const accepted = good.connect('b');
    good.publish('voteplane/rig/a/b/round', 'early');
    expect(await accepted).toBe(0);
    await eventually('the early frame', () => arrivals.length === 1);
    expect(arrivals[0]?.text).toBe('early');
    expect(inbox.counters().delivered).toBe(1);
  });

  test('too many packets before the answer, or anything before CONNECT, end the connection', async () => {
    const { port, inbox } = await start();
    const eager = stranger(port);
    eager.publish('voteplane/rig/a/b/round', 'x');
    await eventually('the end', () => eager.closed);
    const flood = stranger(port);
    flood.socket.cork();
    void flood.connect('b').catch(() => undefined);
    for (let i = 0; i < 20; i += 1) flood.publish('voteplane/rig/a/b/round', 'x');
    flood.socket.uncork();
    await eventually('the end', () => flood.closed);
    expect(inbox.counters().refused.order).toBe(2);
    expect(inbox.counters().delivered).toBe(0);
  });
});

describe('passwords of two key epochs', () => {
  const renew = ({ inbox }: TestInbox, b: readonly string[]): void =>
    inbox.renewPasswords(
      new Map([
        ['b', b],
        ['c', ['pw-c']],
      ]),
    );
  const password = (text: string): { readonly password: Buffer } => ({ password: Buffer.from(text) });

  test('both open the inbox, one that has ended does not, and who stands stays', async () => {
    const opened = await start();
    const { port, inbox, arrivals } = opened;
    const standing = await member(port, 'b');
    renew(opened, ['pw-b2', 'pw-b']);
    renew(opened, ['pw-b3', 'pw-b2']);
    standing.publish('voteplane/rig/a/b/round', 'still here');
    await eventually('the frame', () => arrivals.length === 1);
    expect(await stranger(port).connect('b', password('pw-b'))).toBe(4);
    expect(inbox.counters().refused).toMatchObject({ expired: 1, credentials: 0 });
    expect(standing.closed).toBe(false);
  });

  test('who comes with a newer password takes the place of one with an older, and not the other way', async () => {
    const opened = await start();
    const { port, inbox } = opened;
    const old = await member(port, 'b');
    renew(opened, ['pw-b2', 'pw-b']);
    expect(await stranger(port).connect('b', password('pw-b'))).toBe(2);
    const newer = stranger(port);
    expect(await newer.connect('b', password('pw-b2'))).toBe(0);
    await eventually('the end of the older', () => old.closed);
    expect(await stranger(port).connect('b', password('pw-b'))).toBe(2);
    expect(newer.closed).toBe(false);
    expect(inbox.counters().refused.takeover).toBe(2);
  });

  test('a revoked member is cut at once and refused by name; others notice nothing', async () => {
    const opened = await start();
    const { port, refusals } = opened;
    const b = await member(port, 'b');
    const c = await member(port, 'c');
    renew(opened, []);
    await eventually('the end of b', () => b.closed);
    expect(await stranger(port).connect('b')).toBe(4);
    expect(refusals).toEqual([
      { cause: 'revoked', principal: 'b' },
      { cause: 'revoked', principal: 'b' },
    ]);
    expect(c.closed).toBe(false);
    renew(opened, ['pw-b4']);
    expect(await stranger(port).connect('b', password('pw-b4'))).toBe(0);
  });
});

describe('sessions', () => {
  const will = {
    topic: 'voteplane/rig/a/b/round',
    payload: Buffer.from('will'),
    qos: 0 as const,
    retain: false,
  };
  test.each([
    ['a will', { will }],
    ['a retained will', { will: { ...will, retain: true } }],
    ['a kept session', { clean: false }],
    ['no keepalive', { keepalive: 0 }],
    ['a long keepalive', { keepalive: 600 }],
  ])('%s is refused', async (_name, more) => {
    const { port, inbox, arrivals } = await start();
    const client = stranger(port);
    expect(await client.connect('b', more)).toBe(5);
    await eventually('the end', () => client.closed);
    expect(inbox.counters().refused.session).toBe(1);
    expect(arrivals).toEqual([]);
  });

  test('MQTT 5 and MQTT 3.1 are refused', async () => {
    const { port, arrivals } = await start();
    for (const version of [
      { protocolVersion: 5 as const },
      { protocolVersion: 3 as const, protocolId: 'MQIsdp' as const },
    ]) {
      const client = stranger(port);
      expect(await client.connect('b', version)).not.toBe(0);
      await eventually('the end', () => client.closed);
    }
    expect(arrivals).toEqual([]);
  });

  test('a second CONNECT ends the connection', async () => {
    const { port } = await start();
    const b = await member(port, 'b');
    void b.connect('b');
    await eventually('the end', () => b.closed);
  });

  test('a live client id is not taken over: the old connection stays and is heard', async () => {
    const { port, arrivals, inbox } = await start();
    const b = await member(port, 'b');
    const thief = stranger(port);
    expect(await thief.connect('b')).toBe(2);
    await eventually('the end', () => thief.closed);
    b.publish('voteplane/rig/a/b/round', 'still here');
    await eventually('the frame', () => arrivals.length === 1);
    expect(inbox.counters().refused.takeover).toBe(1);
  });

  /** Knocks again and again, until somebody is let in or `isOver`. */
  async function knock(port: number, isOver: () => boolean): Promise<void> {
    for (;;) {
      const client = stranger(port);
      if ((await client.connect('b')) === 0 || isOver()) return;
      await eventually('the end', () => client.closed);
    }
  }

  test('a second process is told of when the first is heard long after it knocked, once', async () => {
    const told: string[] = [];
    const { port, arrivals, inbox } = await start(
      { connectsPerSecond: 10_000 },
      { onTwin: (text) => told.push(text) },
    );
    const b = await member(port, 'b');
    const talk = setInterval(() => b.publish('voteplane/rig/a/b/round', 'x'), 20);
    try {
      await knock(port, () => told.length > 0);
      const before = arrivals.length;
      await knock(port, () => arrivals.length > before + 10);
    } finally {
      clearInterval(talk);
    }
    expect(told).toEqual([
      expect.stringMatching(
        /^twin: a second process runs as b: the one at 127\.0\.0\.1:\d+ is kept out of the inbox of 'a' \(quarantined\), and the one at 127\.0\.0\.1:\d+ goes on; end one/,
      ),
    ]);
    expect(b.closed).toBe(false);
    expect(inbox.counters().refused.takeover).toBeGreaterThan(2);
  });

  test('what a restart leaves behind is no second process', async () => {
    const told: string[] = [];
    const { port } = await start({ connectsPerSecond: 10_000 }, { onTwin: (text) => told.push(text) });
    const remnant = stranger(port);
    expect(await remnant.connect('b', { keepalive: 2 })).toBe(0);
    await knock(port, () => false);
    expect(remnant.closed).toBe(true);
    expect(told).toEqual([]);
  });

  test('two at once with one client id: one is accepted', async () => {
    const { port } = await start();
    const both = await Promise.all([stranger(port).connect('b'), stranger(port).connect('b')]);
    expect([...both].sort()).toEqual([0, 2]);
  });

  test('a half-open connection gives way within one and a half of its keepalive, a busy one does not', async () => {
    const { port, inbox, arrivals } = await start();
    const dead = stranger(port);
    expect(await dead.connect('b', { keepalive: 1 })).toBe(0);
    const busy = stranger(port);
    expect(await busy.connect('c', { keepalive: 1 })).toBe(0);
    // c publishes and never pings: MQTT asks for a ping only when nothing else is said.
    const talk = setInterval(() => {
      busy.publish('voteplane/rig/a/c/round', 'x');
    }, 100);
    try {
      await eventually('the cut', () => dead.closed, 4000);
      expect(await stranger(port).connect('b')).toBe(0);
      await eventually('more of c', () => arrivals.length > 25);
      expect(busy.closed).toBe(false);
      expect(inbox.counters().refused.silent).toBe(1);
    } finally {
      clearInterval(talk);
    }
  });

  test('who connects and says nothing is cut; many of them do not lock a peer out', async () => {
    const { port, inbox } = await start({ connectTimeoutMs: 300, maxUnproved: 4 });
    const idle = Array.from({ length: 12 }, () => stranger(port));
    await eventually('the oldest to go', () => idle.filter(({ closed }) => closed).length >= 8);
    await member(port, 'b');
    await eventually('the others to go', () => idle.every(({ closed }) => closed));
    const { refused } = inbox.counters();
    expect(refused.connections + refused['connect-timeout']).toBe(12);
    expect(refused.connections).toBeGreaterThanOrEqual(8);
  });
});

describe('publishing', () => {
  test.each([
    ["another's name", 'voteplane/rig/a/c/round'],
    ['another receiver', 'voteplane/rig/c/b/round'],
    ['another rig', 'voteplane/other/a/b/round'],
    ['a purpose it has not', 'voteplane/rig/a/b/control'],
    ['a longer topic', 'voteplane/rig/a/b/round/x'],
    ['the broker', '$SYS/x'],
    ['deep nesting', '/'.repeat(200)],
  ])('under %s is refused and ends the connection', async (_name, topic) => {
    const { port, inbox, arrivals } = await start();
    const b = await member(port, 'b');
    b.publish(topic, 'x');
    b.publish('voteplane/rig/a/b/round', 'after');
    await eventually('the end', () => b.closed);
    expect(arrivals).toEqual([]);
    expect(inbox.counters().refused.topic).toBe(1);
  });

  test.each([
    ['QoS 1', { qos: 1 as const, messageId: 1 }],
    ['QoS 2', { qos: 2 as const, messageId: 1 }],
    ['retained', { retain: true }],
    ['duplicate', { dup: true }],
  ])('%s is refused and ends the connection', async (_name, more) => {
    const { port, inbox, arrivals } = await start();
    const b = await member(port, 'b');
    b.publish('voteplane/rig/a/b/round', 'x', more);
    await eventually('the end', () => b.closed);
    expect(arrivals).toEqual([]);
    expect(inbox.counters().refused.quality).toBe(1);
  });

  test('an oversize packet is cut by its header, before its body is there', async () => {
    const { port, inbox } = await start({ maxFrameBytes: 1000 });
    const b = await member(port, 'b');
    // PUBLISH of 10 MB: five bytes are enough.
    b.socket.write(Buffer.from([0x30, 0x80, 0xad, 0xe2, 0x04]));
    await eventually('the end', () => b.closed);
    expect(inbox.counters().refused.oversize).toBe(1);
    const early = stranger(port);
    early.socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
    await eventually('the end', () => early.closed);
    expect(inbox.counters().refused.oversize).toBe(2);
  });

  test('the largest frame passes, one byte more does not', async () => {
    const { port, arrivals } = await start({ maxFrameBytes: 1000 });
    const b = await member(port, 'b');
    b.publish('voteplane/rig/a/b/round', Buffer.alloc(1000, 120));
    await eventually('the frame', () => arrivals.length === 1);
    b.publish('voteplane/rig/a/b/round', Buffer.alloc(1001, 120));
    await eventually('the end', () => b.closed);
    expect(arrivals).toHaveLength(1);
  });
});

describe('reading', () => {
  test('senders read nothing, operators what is theirs, observers also what arrives', async () => {
    const { port, inbox, arrivals } = await start();
    const b = await member(port, 'b');
    const op = await member(port, 'op');
    const eye = await member(port, 'eye');
    expect(await b.subscribe('voteplane/rig/a/#', 'voteplane/rig/b/a/answer', '#')).toEqual([128, 128, 128]);
    expect(
      await op.subscribe('voteplane/rig/op/a/answer', 'voteplane/rig/a/#', 'voteplane/rig/eye/a/report', '#'),
    ).toEqual([0, 128, 128, 128]);
    expect(
      await eye.subscribe('voteplane/rig/a/#', 'voteplane/rig/eye/a/report', '$SYS/#', 'voteplane/#'),
    ).toEqual([0, 0, 128, 128]);
    b.publish('voteplane/rig/a/b/round', 'r1');
    inbox.publish('op', 'answer', Buffer.from('yes'));
    inbox.publish('op', 'report', Buffer.from('not subscribed'));
    inbox.publish('eye', 'report', Buffer.from('tick 1'));
    inbox.publish('b', 'answer', Buffer.from('nobody reads this'));
    await eventually('both messages', () => eye.messages().length === 2 && op.messages().length === 1);
    expect(op.messages()).toEqual([{ topic: 'voteplane/rig/op/a/answer', text: 'yes' }]);
    expect(eye.messages()).toContainEqual({ topic: 'voteplane/rig/a/b/round', text: 'r1' });
    expect(eye.messages()).toContainEqual({ topic: 'voteplane/rig/eye/a/report', text: 'tick 1' });
    expect(b.messages()).toEqual([]);
    expect(arrivals).toHaveLength(1);
    expect(inbox.counters()).toMatchObject({ forwarded: 3, refused: { subscription: 8 } });
    eye.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['voteplane/rig/a/#'] });
    await eventually('the answer', () => eye.heard.some(({ cmd }) => cmd === 'unsuback'));
    b.publish('voteplane/rig/a/b/round', 'r2');
    await eventually('the frame', () => arrivals.length === 2);
    inbox.publish('eye', 'report', Buffer.from('tick 2'));
    await eventually('the report', () => eye.messages().length === 3);
    expect(eye.messages().map(({ text }) => text)).not.toContain('r2');
  });

  test('a connection that ends takes its subscriptions with it', async () => {
    const { port, inbox } = await start();
    const op = await member(port, 'op');
    await op.subscribe('voteplane/rig/op/#');
    op.send({ cmd: 'disconnect' });
    await eventually('the end', () => op.closed);
    const again = await member(port, 'op');
    inbox.publish('op', 'answer', Buffer.from('x'));
    expect(inbox.counters().forwarded).toBe(0);
    expect(await again.subscribe('voteplane/rig/op/#')).toEqual([0]);
  });
});

describe('opening', () => {
  test('a port that is taken gives an error with place and cure', async () => {
    const { port } = await start();
    await expect(openInbox({}, { port })).rejects.toThrow(
      /inbox of 'a': cannot listen on 127\.0\.0\.1:\d+ .*name another port/,
    );
  });

  test('an id twice is refused', async () => {
    const one = { id: 'b', kind: 'sender' as const, purposes: ['round' as const], password: 'x' };
    await expect(openInbox({}, { members: [one, { ...one, kind: 'operator' }] })).rejects.toThrow(
      /'b' appears twice/,
    );
  });

  test('closed and opened again it takes the same port, and rates and counters go on', async () => {
    const { port, inbox, arrivals } = await start();
    const b = await member(port, 'b');
    b.publish('voteplane/rig/a/b/round', '1');
    await eventually('the frame', () => arrivals.length === 1);
    await inbox.close();
    await eventually('the end', () => b.closed);
    await inbox.open();
    expect(inbox.address().port).toBe(port);
    const again = await member(port, 'b');
    again.publish('voteplane/rig/a/b/round', '2');
    await eventually('the frame', () => arrivals.length === 2);
    expect(inbox.counters().delivered).toBe(2);
  });
});
