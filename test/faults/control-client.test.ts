import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ControlClient } from '../../src/faults/control-client.js';
import { FaultInjector } from '../../src/faults/injector.js';
import type { Entropy, FrameHandler, Log, Purpose, Transport } from '../../src/ports.js';
import { SecureEndpoint } from '../../src/process/secure-endpoint.js';
import type { Rig } from '../../src/rig/rig.js';
import { decodeControlRequest, encodeControlAnswer } from '../../src/wire/control-codec.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import { createSecureLinks } from '../../src/wire/secure-links.js';
import { CODEC, makeRig, ManualClock } from './support.js';

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Bytes that never repeat and are the same in every run. */
function makeEntropy(seed: string): Entropy {
  let calls = 0;
  return {
    bytes: (length) => {
      calls += 1;
      const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, block) =>
        createHash('sha256').update(`${seed}/${calls}/${block}`).digest(),
      );
      return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
    },
  };
}

/** Frames between principals, a millisecond each; a principal that is not there hears nothing. */
class Hub {
  readonly handlers = new Map<string, FrameHandler>();
  readonly links = new Map<string, (to: string, up: boolean) => void>();

  constructor(private readonly clock: ManualClock) {}

  open(self: string): Transport {
    return {
      send: (to: string, purpose: Purpose, frame: Uint8Array) => {
        const at = this.clock.nowUs() + 1_000;
        this.clock.schedule(at, () => this.handlers.get(to)?.(self, purpose, frame, at));
      },
      onFrame: (handler) => this.handlers.set(self, handler),
      onLink: (handler) => this.links.set(self, handler),
      close: () => Promise.resolve(),
    };
  }
}

class World {
  readonly clock = new ManualClock();
  readonly hub = new Hub(this.clock);
  readonly rig: Rig;
  readonly keys: ReadonlyMap<string, PrincipalKeys>;
  readonly client: ControlClient;
  readonly orders: string[] = [];
  private lives = 0;

  constructor(changes: Partial<Rig> = {}) {
    this.rig = makeRig(changes);
    this.keys = new Map(generateKeys(this.rig, makeEntropy('keys')).map((keys) => [keys.principal, keys]));
    this.client = new ControlClient({
      rig: makeRig(),
      keys: this.keys.get('operator') as PrincipalKeys,
      rigDigest: new Uint8Array(32).fill(1),
      transport: this.hub.open('operator'),
      clock: this.clock,
      entropy: makeEntropy('operator'),
      log: SILENT,
    });
  }

  /** Starts a replica, or starts it anew. */
  start(id: string, rigDigest = new Uint8Array(32).fill(1)): FaultInjector {
    const { rig, clock } = this;
    this.lives += 1;
    const entropy = makeEntropy(`${id}/${this.lives}`);
    const injector = new FaultInjector({
      rig,
      self: rig.replicas.findIndex((replica) => replica.id === id),
      seed: 1,
      clock,
      host: { kill: () => {}, stall: () => {}, killBroker: () => {} },
      ...CODEC,
      onEvent: () => {},
    });
    const endpoint: SecureEndpoint = new SecureEndpoint({
      links: createSecureLinks(
        rig,
        this.keys.get(id) as PrincipalKeys,
        { rig: rigDigest, law: new Uint8Array(32).fill(2), arithmetic: new Uint8Array(32).fill(3) },
        entropy,
      ),
      transport: this.hub.open(id),
      clock,
      log: SILENT,
      onPayload: (from, purpose, payload) => {
        const request = purpose === 'control' ? decodeControlRequest(payload) : null;
        if (request === null) return;
        this.orders.push(`${id}: ${request.text}`);
        const answer = injector.answer(request.text);
        endpoint.send(from, 'answer', encodeControlAnswer({ sequence: request.sequence, ...answer }));
      },
    });
    endpoint.start();
    return injector;
  }

  async pass<T>(promise: Promise<T>, ms: number): Promise<T | 'pending'> {
    for (let at = 0; at < ms; at += 1) {
      this.clock.advance(1_000);
      await Promise.resolve();
    }
    return Promise.race([promise, Promise.resolve().then(() => 'pending' as const)]);
  }
}

describe('control channel', () => {
  test('an order reaches the replica that obeys, over its own session, and is answered', async () => {
    const world = new World();
    const injector = world.start('c');
    const outcome = await world.pass(world.client.order('equivocate on c at +50 for 100'), 500);
    expect(outcome).toEqual({
      ok: true,
      answers: [{ from: 'c', ok: true, text: 'c: equivocate on c from tick 50 until tick 150' }],
    });
    expect(injector.list()).toHaveLength(1);
    const second = await world.pass(world.client.order('clear equivocate on c'), 10);
    expect(second).toMatchObject({ ok: true });
    expect(world.orders).toEqual(['c: equivocate on c at +50 for 100', 'c: clear equivocate on c']);
  });

  test('colluders are all told; the end of it is asked of everybody', async () => {
    const world = new World();
    for (const id of ['a', 'b', 'c', 'd']) world.start(id);
    const outcome = await world.pass(world.client.order('collude on world replicas=b,c at 9'), 500);
    expect(outcome).toMatchObject({ ok: true, answers: [{ from: 'b' }, { from: 'c' }] });
    const cleared = await world.pass(world.client.order('clear collude on world'), 500);
    expect(cleared).toMatchObject({ ok: true });
    expect(cleared).toMatchObject({ answers: [{ ok: false }, { ok: true }, { ok: true }, { ok: false }] });
  });

  test('what cannot be is refused before anything is sent, and by the replica what only it knows', async () => {
    const world = new World();
    world.start('c');
    expect(await world.pass(world.client.order('crush on c at 5'), 1)).toMatchObject({
      ok: false,
      what: "there is no fault 'crush'",
    });
    expect(await world.pass(world.client.order('crash on'), 1)).toMatchObject({ ok: false, column: 9 });
    expect(world.orders).toEqual([]);
    expect(await world.pass(world.client.order('clear crash on c'), 500)).toEqual({
      ok: false,
      answers: [
        {
          from: 'c',
          ok: false,
          text: "no 'crash on c' is waiting or active on 'c'; there is nothing to clear",
        },
      ],
    });
  });

  test('a rig that does not enable faults: the replica refuses, whatever the operator believes', async () => {
    const world = new World({ faultInjection: false });
    world.start('c');
    const outcome = await world.pass(world.client.order('crash on c at 5'), 500);
    expect(outcome).toMatchObject({
      ok: false,
      answers: [{ from: 'c', ok: false, text: expect.stringContaining('faults: enabled') }],
    });
  });

  test('a replica that is not there: no answer in time is said, with the cure', async () => {
    const world = new World();
    const outcome = await world.pass(world.client.order('crash on c at 5', 2_000), 2_100);
    expect(outcome).toMatchObject({
      ok: false,
      answers: [
        { from: 'c', ok: false, text: expect.stringContaining('no answer from replica c within 2000 ms') },
      ],
    });
  });

  test('a replica that started anew is greeted anew, though nothing said that the way was closed', async () => {
    const world = new World();
    world.start('c');
    expect(await world.pass(world.client.order('lie on c at 9'), 500)).toMatchObject({ ok: true });
    const second = world.start('c');
    expect(await world.pass(world.client.order('lie on c at 9'), 4_000)).toMatchObject({ ok: true });
    expect(second.list()).toHaveLength(1);
  });

  test('when the way opens again the order goes out at once', async () => {
    const world = new World();
    const waiting = world.client.order('lie on c at 9');
    expect(await world.pass(waiting, 300)).toBe('pending');
    world.start('c');
    world.hub.links.get('operator')?.('c', true);
    expect(await world.pass(waiting, 50)).toMatchObject({ ok: true });
  });

  test('an order sent twice is one order', async () => {
    const world = new World();
    const injector = world.start('c');
    const orders = [world.client.order('lie on c at +9'), world.client.order('lie on c at +9')];
    expect(await world.pass(Promise.all(orders), 500)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(injector.list()).toHaveLength(1);
  });

  test('a replica with another rig file is named as such', async () => {
    const world = new World();
    world.start('c', new Uint8Array(32).fill(9));
    const outcome = await world.pass(world.client.order('crash on c at 5'), 1_500);
    expect(outcome).toMatchObject({
      ok: false,
      answers: [{ from: 'c', ok: false, text: expect.stringContaining('rig file') }],
    });
  });

  test('frames of others, and answers to nothing, change nothing', async () => {
    const world = new World();
    world.start('c');
    const waiting = world.client.order('lie on c at 9', 3_000);
    for (const from of ['c', 'a', 'nobody']) {
      for (const purpose of ['hello', 'answer', 'round'] as const) {
        world.hub.handlers.get('operator')?.(from, purpose, new Uint8Array(40).fill(7), world.clock.nowUs());
      }
    }
    expect(await world.pass(waiting, 500)).toMatchObject({ ok: true });
  });

  test('closing answers what is under way', async () => {
    const world = new World();
    const waiting = world.client.order('lie on c at 9');
    world.client.close();
    expect(await world.pass(waiting, 1)).toMatchObject({ ok: false });
    const before = world.clock.waiting;
    world.clock.advance(60_000_000);
    expect(world.clock.waiting).toBeLessThanOrEqual(before);
  });
});
