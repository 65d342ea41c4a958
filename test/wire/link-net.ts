/**
 * Principals joined by wires that the test holds: frames queue up, may be recorded, dropped, repeated or altered.
 */
import type { Principal, Purpose } from '../../src/ports.js';
import type { Rig } from '../../src/rig/rig.js';
import type { ConfigDigests } from '../../src/wire/derive-keys.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import { createSecureLinks, type LinkEvent, type SecureLinks } from '../../src/wire/secure-links.js';
import { fakeDigest, seededEntropy } from './make-rig.js';

export interface Wired {
  readonly from: Principal;
  readonly to: Principal;
  readonly frame: Uint8Array;
}

export const DIGESTS: ConfigDigests = {
  rig: fakeDigest('rig'),
  law: fakeDigest('law'),
  arithmetic: fakeDigest('arithmetic'),
};

export class LinkNet {
  readonly keys: ReadonlyMap<Principal, PrincipalKeys>;
  readonly ends = new Map<Principal, SecureLinks>();
  /** Hellos under way, oldest first. */
  queue: Wired[] = [];
  /** Every hello ever sent. */
  readonly recorded: Wired[] = [];
  readonly events: { at: Principal; event: LinkEvent }[] = [];
  nowUs = 0;
  #lives = 0;

  constructor(readonly rig: Rig) {
    this.keys = new Map(generateKeys(rig, seededEntropy('keys')).map((one) => [one.principal, one]));
  }

  /** Starts (or restarts) a principal: a new life with fresh nonces. */
  start(id: Principal, digests: ConfigDigests = DIGESTS): SecureLinks {
    this.#lives += 1;
    const links = createSecureLinks(
      this.rig,
      this.keys.get(id) as PrincipalKeys,
      digests,
      seededEntropy(`life ${this.#lives}`),
    );
    this.ends.set(id, links);
    return links;
  }

  adopt(id: Principal, links: SecureLinks): void {
    this.ends.set(id, links);
  }

  /** Lets time pass at every end and puts what they say onto the wires. */
  tick(byUs = 100_000): void {
    this.nowUs += byUs;
    for (const [id, links] of this.ends) this.take(id, links.tick(this.nowUs));
  }

  take(at: Principal, events: readonly LinkEvent[]): void {
    for (const event of events) {
      this.events.push({ at, event });
      if (event.kind !== 'send') continue;
      const wired = { from: at, to: event.to, frame: event.frame };
      this.queue.push(wired);
      this.recorded.push(wired);
    }
  }

  deliver(wired: Wired): void {
    const end = this.ends.get(wired.to);
    if (end !== undefined) this.take(wired.to, end.receiveHello(wired.from, wired.frame, this.nowUs));
  }

  /** Delivers until the wires are empty; a chain of answers that does not end is a failure. */
  settle(): void {
    for (let steps = 0; this.queue.length > 0; steps += 1) {
      if (steps > 10_000) throw new Error('the hellos never end');
      this.deliver(this.queue.shift() as Wired);
    }
  }

  /** Ticks and delivers a few times. */
  run(intervals = 3): void {
    for (let i = 0; i < intervals; i += 1) {
      this.tick();
      this.settle();
    }
  }

  end(id: Principal): SecureLinks {
    return this.ends.get(id) as SecureLinks;
  }

  /** Seals at one end, opens at the other. */
  pass(
    from: Principal,
    to: Principal,
    purpose: Exclude<Purpose, 'hello'>,
    payload: Uint8Array,
  ): Uint8Array | string {
    const frame = this.end(from).seal(to, purpose, payload);
    if (frame === null) return 'no frame';
    const opened = this.end(to).open(from, purpose, frame);
    return opened.ok ? opened.payload : opened.cause;
  }
}
