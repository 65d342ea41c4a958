import { describe, expect, test } from 'vitest';
import type { ActuatorCommand, PeerMessage } from '../../src/core/types.js';
import { Bench, CODEC, makeEntry, makeRig, makeRound1, makeRound2, readItem } from './support.js';

const COMMAND: ActuatorCommand = { tick: 9, order: { kind: 'output', count: 1_000 }, arm: null };

function sendRound1(bench: Bench): readonly PeerMessage[] {
  const shared = makeRound1();
  for (const to of [0, 1, 3]) bench.peers.send(to, shared);
  expect(readItem(shared)).toEqual([1, 2, true]);
  return bench.messages.map(({ message }) => message);
}

describe('lie', () => {
  test('of a replica: samples and commands are off by the same offset', () => {
    const bench = new Bench();
    bench.strike('lie on c offset=5');
    expect(bench.read()).toEqual([6, 7, false]);
    bench.commandPort.send(0, COMMAND);
    expect(bench.commands[0]?.command).toEqual({ ...COMMAND, order: { kind: 'output', count: 6_000 } });
    expect(bench.affected).toBe(4);
  });

  test('of a channel: its samples alone', () => {
    const bench = new Bench();
    bench.strike('lie on c.pitch value=42');
    expect(bench.read()).toEqual([42, 2, true]);
    bench.commandPort.send(0, COMMAND);
    expect(bench.commands[0]?.command).toBe(COMMAND);
    expect(bench.affected).toBe(1);
  });

  test('by default a fifth of the range, and whatever one chooses', () => {
    const bench = new Bench();
    bench.strike('lie on c of=samples');
    expect(bench.read()).toEqual([21, 22, false]);
    bench.commandPort.send(0, COMMAND);
    expect(bench.commands[0]?.command).toBe(COMMAND);
    const other = new Bench();
    other.strike('lie on c of=commands');
    expect(other.read()).toEqual([1, 2, true]);
    other.commandPort.send(0, COMMAND);
    expect(other.commands[0]?.command.order).toEqual({ kind: 'output', count: 11_000 });
  });

  test('a command that only arms stays, and a trip becomes an output', () => {
    const bench = new Bench();
    bench.strike('lie on c value=3');
    const arming: ActuatorCommand = { tick: 9, order: { kind: 'none' }, arm: null };
    bench.commandPort.send(0, arming);
    expect(bench.commands[0]?.command).toBe(arming);
    bench.commandPort.send(0, { tick: 9, order: { kind: 'trip' }, arm: null });
    expect(bench.commands[1]?.command.order).toEqual({ kind: 'output', count: 3_000 });
  });

  test('overflow stays a number, and a count stays a signed 32-bit integer', () => {
    const bench = new Bench();
    bench.strike('lie on c value=overflow');
    expect(bench.read()).toEqual([Number.MAX_VALUE, Number.MAX_VALUE, true]);
    bench.commandPort.send(0, COMMAND);
    expect(bench.commands[0]?.command.order).toEqual({ kind: 'output', count: 2 ** 31 - 1 });
  });

  test('NaN never leaves the sensor port: it is bytes that no correct replica reads, the same for all', () => {
    const bench = new Bench();
    bench.strike('lie on c.pitch value=nan');
    expect(bench.read()).toEqual([1, 2, true]);
    const said = sendRound1(bench);
    const values = said.map((message) => (message.kind === 'round' ? message.items[0]?.value : null));
    expect(values[0]).toBeInstanceOf(Uint8Array);
    expect(Buffer.from(values[0] as Uint8Array).toString('hex')).toContain('7ff8000000000000');
    expect(values[1]).toEqual(values[0]);
    expect(CODEC.decodeEntry(values[0] as Uint8Array)).toBeNull();
    expect(bench.affected).toBe(3);
  });

  test('an absent channel can be lied about, and a lie that is the truth does not count', () => {
    const bench = new Bench();
    bench.readings = [null, 7, true];
    bench.strike('lie on c value=7');
    expect(bench.read()).toEqual([7, 7, true]);
    expect(bench.affected).toBe(1);
  });
});

describe('collude', () => {
  test('all who are named tell the same lie, whatever they read', () => {
    const benches = [2, 3].map((self) => new Bench(makeRig(), self, { seed: `seed ${self}` }));
    benches.forEach((bench, at) => {
      bench.readings = [at, -at, at === 0];
      bench.strike('collude on world replicas=c,d');
      bench.commandPort.send(0, { ...COMMAND, order: { kind: 'output', count: 100 * at } });
    });
    expect(benches[0]?.read()).toEqual(benches[1]?.read());
    expect(benches[0]?.read()).toEqual([25, 25, true]);
    expect(benches[0]?.commands).toEqual(benches[1]?.commands);
    expect(benches[0]?.commands[0]?.command.order).toEqual({ kind: 'output', count: 12_500 });
  });

  test('is not for a replica that is not named', () => {
    const answer = new Bench(makeRig(), 0).injector.handle('collude on world replicas=c,d at 5');
    expect(answer).toMatchObject({ ok: false, cure: 'send it to c, d' });
  });
});

describe('equivocate', () => {
  test('every receiver is told something else in round 1, well-formed and alike but for the readings', () => {
    const bench = new Bench();
    bench.strike('equivocate on c');
    const said = sendRound1(bench);
    const pitches = said.map((message) => readItem(message)?.[0]);
    expect(new Set(pitches).size).toBe(3);
    expect(pitches).not.toContain(1);
    for (const message of said) {
      const value = message.kind === 'round' ? message.items[0]?.value : null;
      expect(CODEC.decodeEntry(value as Uint8Array)?.standing).toEqual(makeEntry([]).standing);
    }
    expect(bench.affected).toBe(3);
  });

  test('the same seed tells the same lies, another seed others', () => {
    const told = ['x', 'x', 'y'].map((seed) => {
      const bench = new Bench(makeRig(), 2, { seed });
      bench.strike('equivocate on c');
      return sendRound1(bench).map((message) => readItem(message));
    });
    expect(told[0]).toEqual(told[1]);
    expect(told[0]).not.toEqual(told[2]);
  });

  test('given values go to the receivers in their order, or by name; others hear the truth', () => {
    const bench = new Bench();
    bench.strike('equivocate on c.pitch values=777,10777');
    expect(sendRound1(bench).map((message) => readItem(message)?.[0])).toEqual([777, 10777, 777]);
    const named = new Bench();
    named.strike('equivocate on c.pitch values=d:777,a:nan');
    const said = sendRound1(named);
    expect(readItem(said[0])).toBeNull();
    expect(readItem(said[1])).toEqual([1, 2, true]);
    expect(readItem(said[2])).toEqual([777, 2, true]);
    expect(named.affected).toBe(2);
  });

  test('actuators that are named are ordered what is said; nobody else is told anything else', () => {
    const bench = new Bench();
    bench.strike('equivocate on c values=a:777,elevator:-10');
    const said = sendRound1(bench);
    expect(readItem(said[0])?.[0]).toBe(777);
    expect(readItem(said[1])?.[0]).toBe(1);
    bench.commandPort.send(0, COMMAND);
    expect(bench.commands[0]?.command.order).toEqual({ kind: 'output', count: -10_000 });
    const inOrder = new Bench();
    inOrder.strike('equivocate on c values=777,10777');
    inOrder.commandPort.send(0, COMMAND);
    expect(inOrder.commands[0]?.command).toBe(COMMAND);
  });

  test('relays stay honest', () => {
    const bench = new Bench();
    bench.strike('equivocate on c');
    const relay = makeRound2(0);
    bench.peers.send(0, relay);
    expect(bench.messages[0]?.message).toBe(relay);
  });

  test('an entry that cannot be read is passed on', () => {
    const bench = new Bench();
    bench.strike('equivocate on c');
    const message = { ...makeRound1(), items: [{ path: [], value: new Uint8Array([1, 2, 3]) }] };
    bench.peers.send(0, message);
    expect(bench.messages[0]?.message).toBe(message);
    expect(bench.affected).toBe(0);
  });
});

describe('relay-lie, forge-path, sos-value, double-vote', () => {
  test('relays are altered, the own sample is not', () => {
    const bench = new Bench();
    bench.strike('relay-lie on c offset=100');
    expect(sendRound1(bench).map((message) => readItem(message))).toEqual(Array(3).fill([1, 2, true]));
    bench.peers.send(0, makeRound2(0));
    expect(readItem(bench.messages[3]?.message, 0)).toEqual([101, 111, true]);
    expect(readItem(bench.messages[3]?.message, 1)).toEqual([103, 113, true]);
    expect(bench.affected).toBe(1);
  });

  test('only about whom and to whom it is said', () => {
    const bench = new Bench();
    bench.strike('relay-lie on c of=d to=a offset=100');
    bench.peers.send(0, makeRound2(0));
    bench.peers.send(1, makeRound2(1));
    expect(readItem(bench.messages[0]?.message, 0)).toEqual([1, 11, false]);
    expect(readItem(bench.messages[0]?.message, 1)).toEqual([103, 113, true]);
    expect(readItem(bench.messages[1]?.message, 1)).toEqual([3, 13, false]);
    expect(bench.affected).toBe(1);
  });

  test('what nobody said is made up', () => {
    const bench = new Bench();
    bench.strike('relay-lie on c');
    sendRound1(bench);
    bench.peers.send(0, { ...makeRound2(0), items: [{ path: [1], value: null }] });
    expect(readItem(bench.messages[3]?.message)).toEqual([1, 2, true]);
  });

  test('forged paths hold the receiver or the sender', () => {
    const bench = new Bench();
    bench.strike('forge-path on c');
    for (let at = 0; at < 20; at += 1) bench.peers.send(0, makeRound2(0));
    const ends = bench.messages.map(({ message }) =>
      message.kind === 'round' ? message.items[0]?.path.at(-1) : null,
    );
    expect(new Set(ends)).toEqual(new Set([0, 2]));
  });

  test('receivers are split around a threshold', () => {
    const bench = new Bench();
    bench.strike('sos-value on c.rate threshold=10 step=0.5');
    expect(sendRound1(bench).map((message) => readItem(message)?.[1])).toEqual([9.5, 10.5, 9.5]);
  });

  test('other votes follow the first', () => {
    const bench = new Bench();
    bench.strike('double-vote on c k=2');
    bench.commandPort.send(0, COMMAND);
    const counts = bench.commands.map(({ command }) =>
      command.order.kind === 'output' ? command.order.count : null,
    );
    expect(counts).toHaveLength(3);
    expect(counts[0]).toBe(1_000);
    expect(new Set(counts).size).toBe(3);
    expect(bench.affected).toBe(2);
  });

  test('state messages pass every lie', () => {
    const bench = new Bench();
    for (const fault of ['lie on c value=nan', 'equivocate on c', 'relay-lie on c', 'forge-path on c']) {
      expect(bench.injector.handle(`${fault} at 0`)).toMatchObject({ ok: true });
    }
    bench.injector.onTick(0);
    const message: PeerMessage = { kind: 'state-request', digest: new Uint8Array(16), offset: 0 };
    bench.peers.send(1, message);
    expect(bench.messages[0]?.message).toBe(message);
  });
});
