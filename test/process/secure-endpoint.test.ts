/** Sessions over a transport: what leaves first, and what reaches nobody. */
import { expect, test } from 'vitest';
import type { FrameHandler, Log, Principal, Purpose, Transport } from '../../src/ports.js';
import { SecureEndpoint } from '../../src/process/secure-endpoint.js';
import { LinkNet } from '../wire/link-net.js';
import { makeRig } from '../wire/make-rig.js';
import { HandClock } from '../support/hand-clock.js';

const PAYLOAD = Uint8Array.from([1, 2, 3]);
const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Sent {
  readonly from: Principal;
  readonly to: Principal;
  readonly purpose: Purpose;
  readonly frame: Uint8Array;
}

/** Two replicas whose frames lie on one wire, in order, until a test delivers them. */
class Pair {
  readonly clock = new HandClock();
  readonly wire: Sent[] = [];
  readonly received: { readonly at: Principal; readonly payload: Uint8Array }[] = [];
  readonly refused: string[] = [];
  readonly ends = new Map<Principal, SecureEndpoint>();
  private readonly handlers = new Map<Principal, FrameHandler>();
  private readonly net = new LinkNet(makeRig());

  constructor() {
    for (const [id, other] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const)
      this.ends.set(id, this.createEnd(id, other));
  }

  private createEnd(id: Principal, other: Principal): SecureEndpoint {
    const transport: Transport = {
      send: (to, purpose, frame) => this.wire.push({ from: id, to, purpose, frame }),
      onFrame: (handler) => this.handlers.set(id, handler),
      onLink: () => {},
      close: () => Promise.resolve(),
    };
    const endpoint = new SecureEndpoint({
      links: this.net.start(id),
      transport,
      clock: this.clock,
      log: QUIET,
      onPayload: (_from, _purpose, payload) => this.received.push({ at: id, payload }),
      // Whoever has a session speaks in it at once, as a replica may.
      onEstablished: (peer) => {
        if (peer === other) endpoint.send(other, 'round', PAYLOAD);
      },
      onRefused: (_, cause) => this.refused.push(`${id}: ${cause}`),
    });
    return endpoint;
  }

  deliver({ from, to, purpose, frame }: Sent): void {
    this.handlers.get(to)?.(from, purpose, frame, this.clock.nowUs());
  }

  /** Delivers in order until the wire is empty. */
  settle(): void {
    for (let next = this.wire.shift(); next !== undefined; next = this.wire.shift()) this.deliver(next);
  }
}

test.each([[['a']], [['b']], [['a', 'b']]])(
  'begun by %s: the hello that makes a session leaves before the first frame in it, so nothing said at once is lost',
  (greeters) => {
    const pair = new Pair();
    for (const greeter of greeters) pair.ends.get(greeter)?.start();
    pair.settle();
    expect(pair.refused).toEqual([]);
    expect(pair.received.map(({ at }) => at).sort()).toEqual(['a', 'b']);
    for (const { payload } of pair.received) expect(payload).toEqual(PAYLOAD);
  },
);

test('what is not proven reaches nobody, and a frame that comes again neither', () => {
  const pair = new Pair();
  for (const end of pair.ends.values()) end.start();
  pair.settle();
  pair.received.length = 0;
  expect(pair.ends.get('a')?.send('b', 'round', PAYLOAD)).toBe(true);
  const [sent] = pair.wire;
  if (sent === undefined) throw new Error('a has sent a frame');
  const frame = Uint8Array.from(sent.frame);
  frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1;
  pair.deliver({ ...sent, frame });
  expect(pair.received).toEqual([]);
  pair.deliver(sent);
  pair.deliver(sent);
  expect(pair.received).toEqual([{ at: 'b', payload: PAYLOAD }]);
  expect(pair.refused).toEqual(['b: bad-authenticator', 'b: replayed']);
});
