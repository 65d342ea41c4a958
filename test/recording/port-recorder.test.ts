/** What a recorder may never do to what passes, and the order in which it writes it down. */
import { expect, test } from 'vitest';
import type { ByteStreamEvents, FrameHandler, StoreRefusal } from '../../src/ports.js';
import type { PortCall } from '../../src/recording/port-call.js';
import { PortRecorder } from '../../src/recording/port-recorder.js';
import { PortReplayer, type ReplayedProcess } from '../../src/recording/port-replayer.js';
import type { ProcessPorts } from '../../src/recording/process-ports.js';
import { ManualClock } from '../faults/support.js';
import { HandStore } from '../support/hand-store.js';
import { sourceOf } from './memory-rig.js';

/** Ports under the test's hand. `send` may bring something back at once. */
function makeWorld(): {
  readonly ports: ProcessPorts;
  readonly clock: ManualClock;
  readonly sent: string[];
  frame: FrameHandler;
  link: (to: string, up: boolean) => void;
  line: ByteStreamEvents | null;
  onSend: () => void;
} {
  const clock = new ManualClock();
  const world: ReturnType<typeof makeWorld> = {
    clock,
    sent: [],
    frame: () => {},
    link: () => {},
    line: null,
    onSend: () => {},
    ports: {
      clock,
      entropy: { bytes: (length) => new Uint8Array(length).fill(7) },
      transport: {
        send: (to, purpose, frame) => {
          world.sent.push(`${to} ${purpose} ${frame.join()}`);
          world.onSend();
        },
        onFrame: (handler) => {
          world.frame = handler;
        },
        onLink: (handler) => {
          world.link = handler;
        },
        close: () => Promise.resolve(),
      },
      sendFrameAs: (claimed, to) => world.sent.push(`${to} as ${claimed}`),
      openLine: (events) => {
        world.line = events;
        return { write: (bytes) => bytes.length < 3, close: () => {} };
      },
      store: null,
      channel: { send: () => {}, sendTick: () => {}, sendVoter: () => {} },
    },
  };
  return world;
}

/** A process that uses every port. */
function makeProcess(ports: ProcessPorts, seen: string[]): ReplayedProcess {
  return {
    start: () => {
      const { clock, entropy, transport, openLine, sendFrameAs, channel } = ports;
      const line = openLine({
        onOpen: () => seen.push(`open ${line.write(entropy.bytes(2))} ${line.write(entropy.bytes(3))}`),
        onBytes: (bytes) => seen.push(`bytes ${bytes.join()}`),
        onClose: (reason) => {
          seen.push(`close ${reason}`);
          line.close();
        },
      });
      transport.onLink((to, up) => seen.push(`link ${to} ${up}`));
      transport.onFrame((from, purpose, frame, arrivedUs) => {
        seen.push(`frame ${from} ${purpose} ${frame.join()} ${arrivedUs}`);
        frame.fill(0);
        transport.send(from, purpose, entropy.bytes(1));
        seen.push(`answered at ${clock.nowUs()}`);
        sendFrameAs('d', from, purpose, entropy.bytes(1));
      });
      const cancel = clock.schedule(clock.nowUs() + 10, () => seen.push('never'));
      clock.schedule(clock.nowUs() + 20.5, () => seen.push(`timer at ${clock.nowUs()}`));
      cancel();
      channel.send({ kind: 'event', id: 'a', level: 'info', text: 'up', atUs: clock.nowUs() });
    },
    obey: (message) => seen.push(`told ${JSON.stringify(message)} at ${ports.clock.nowUs()}`),
    stop: async () => {
      seen.push('stopping');
      await Promise.resolve();
      ports.channel.send({ kind: 'event', id: 'a', level: 'info', text: 'down', atUs: ports.clock.nowUs() });
    },
  };
}

test('everything passes unchanged, is written down in order, and is lived again', async () => {
  const world = makeWorld();
  const calls: PortCall[] = [];
  const recorder = new PortRecorder({
    // As a log does, which keeps bytes and no references.
    write: (call) => calls.push(structuredClone(call)),
  });
  const seen: string[] = [];
  const process = makeProcess(recorder.wrap(world.ports), seen);
  process.start();
  world.link('b', true);
  // The link breaks while the process sends.
  world.onSend = () => world.link('b', false);
  world.frame('b', 'round', new Uint8Array([1, 2]), 1_000_000);
  world.line?.onOpen();
  world.line?.onBytes(new Uint8Array([5]));
  world.clock.advance(50);
  world.line?.onClose('gone');
  const order = { kind: 'run-start', startTick: 7 };
  recorder.noteOrder(order, () => process.obey?.(order));
  recorder.noteStop();
  await process.stop();
  recorder.noteStopped();
  const recordedCalls = calls.length;
  world.link('b', true);
  expect(calls).toHaveLength(recordedCalls);

  expect(world.sent).toEqual(['b round 7', 'b as d']);
  expect(seen).toEqual([
    'link b true',
    'frame b round 1,2 1000000',
    'link b false',
    'answered at 1000000',
    'open true false',
    'bytes 5',
    'timer at 1000020.5',
    'close gone',
    'told {"kind":"run-start","startTick":7} at 1000050',
    'stopping',
    'link b true',
  ]);
  expect(calls.map(({ kind }) => kind)).toEqual([
    ...['dial', 'now', 'now', 'now', 'told'],
    'link',
    ...['frame', 'entropy', 'sent', 'link', 'now', 'entropy', 'sent'],
    ...['line-open', 'entropy', 'written', 'taken', 'entropy', 'written', 'taken'],
    'line-bytes',
    ...['timer', 'now'],
    ...['line-close', 'hang-up'],
    ...['order', 'now'],
    ...['stop', 'now', 'told', 'stopped'],
  ]);
  expect(calls.filter((call) => 'nested' in call && call.nested)).toMatchObject([
    { kind: 'link', up: false },
  ]);
  expect(calls.find(({ kind }) => kind === 'frame')).toMatchObject({ frame: new Uint8Array([1, 2]) });

  const again: string[] = [];
  const replayer = new PortReplayer(sourceOf(calls), 'a', { onSent: () => {}, onReceived: () => {} });
  const outcome = await replayer.run(() => makeProcess(replayer.ports, again));
  expect(outcome).toMatchObject({ end: 'stopped', difference: null, calls: calls.length });
  expect(again).toEqual(seen.slice(0, -1));
});

/** A process that remembers what came before it, and keeps two things. */
function makeKeeper(ports: ProcessPorts, seen: string[], kept = 'kept'): ReplayedProcess {
  return {
    start: () => {
      const { store, clock } = ports;
      if (store === null) throw new Error('no store');
      seen.push(`${store.place}: ${store.loaded === null ? 'nothing' : [...store.loaded.keys()].join()}`);
      const changes = [{ key: kept, bytes: new Uint8Array([clock.nowUs() % 7]) }];
      const tell = (refusal: StoreRefusal | null): void => {
        seen.push(`${refusal === null ? 'durable' : refusal.message} at ${clock.nowUs()}`);
      };
      if (store.loaded === null) store.provision(changes, tell);
      else store.write(changes, tell);
      store.write([{ key: 'old', bytes: null }], tell);
    },
    stop: () => {},
  };
}

test.each([
  ['a store', new Map([['old', new Uint8Array([1, 2, 3])]]), 'hand: old'],
  ['a store that remembers nothing', null, 'hand: nothing'],
])(
  '%s is written down with what it remembers and when it answers, and is lived again',
  async (_, loaded, first) => {
    const store = new HandStore(loaded);
    const calls: PortCall[] = [];
    const recorder = new PortRecorder({ write: (call) => calls.push(structuredClone(call)) });
    const { ports } = makeWorld();
    const seen: string[] = [];
    makeKeeper(recorder.wrap({ ...ports, store }), seen).start();
    expect(store.provisioned).toBe(loaded === null ? 1 : 0);
    store.flush();
    recorder.noteStop();
    recorder.noteStopped();
    expect(seen[0]).toBe(first);
    expect(calls.map(({ kind }) => kind)).toEqual([
      ...['loaded', 'now', 'stored', 'stored'],
      ...['durable', 'now', 'durable', 'now'],
      ...['stop', 'stopped'],
    ]);

    const again: string[] = [];
    const watch = { onSent: () => {}, onReceived: () => {} };
    const replayer = new PortReplayer(sourceOf(calls), 'a', watch);
    const outcome = await replayer.run(() => makeKeeper(replayer.ports, again));
    expect(outcome).toMatchObject({ end: 'stopped', difference: null, calls: calls.length });
    expect(again).toEqual(seen);

    const other = new PortReplayer(sourceOf(calls), 'a', watch);
    const differs = await other.run(() => makeKeeper(other.ports, [], 'else'));
    expect(differs.difference?.expected).toMatch(/^write 0 to the store/);
  },
);

test('a refusal of a store is lived again', async () => {
  const store = new HandStore(new Map());
  store.refusal = { code: 'disk-full', message: 'no room' };
  const calls: PortCall[] = [];
  const seen: string[] = [];
  makeKeeper(
    new PortRecorder({ write: (call) => calls.push(call) }).wrap({ ...makeWorld().ports, store }),
    seen,
  ).start();
  store.flush();
  expect(seen.slice(1)).toEqual(['no room at 1000000', 'no room at 1000000']);
  const again: string[] = [];
  const replayer = new PortReplayer(sourceOf(calls), 'a', { onSent: () => {}, onReceived: () => {} });
  const outcome = await replayer.run(() => makeKeeper(replayer.ports, again));
  expect(outcome).toMatchObject({ end: 'cut', difference: null, calls: calls.length });
  expect(again).toEqual(seen);
});

test('an error of the process passes, and what follows is still in order', () => {
  const world = makeWorld();
  const calls: PortCall[] = [];
  const ports = new PortRecorder({ write: (call) => calls.push(call) }).wrap(world.ports);
  ports.transport.onLink(() => {
    throw new Error('a bug');
  });
  expect(() => world.link('b', true)).toThrow('a bug');
  expect(() => world.link('b', false)).toThrow('a bug');
  expect(calls).toMatchObject([{ nested: false }, { nested: false }]);
});

test('a stop that never ends is a difference, not a wait', async () => {
  const replayer = new PortReplayer(
    sourceOf([
      { kind: 'stop', nested: false },
      { kind: 'stopped', nested: false },
    ]),
    'a',
    { onSent: () => {}, onReceived: () => {} },
  );
  const outcome = await replayer.run(() => ({ start: () => {}, stop: () => new Promise(() => {}) }));
  expect(outcome.difference).toMatchObject({ call: 2, got: 'no end of the work under way' });
});
