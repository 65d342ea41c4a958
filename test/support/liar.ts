/**
 * A member of a rig who lies: it enters inboxes with a principal's true credentials, holds its true keys, and sends
 * what no correct process would. It keeps count of every frame, so that a test can ask where each one went.
 */
import { randomBytes } from 'node:crypto';
import { openTransport } from '../../src/cli/open-transport.js';
import type { MqttTransport } from '../../src/mqtt/mqtt-transport.js';
import type { Log, Principal, Purpose } from '../../src/ports.js';
import { SecureEndpoint } from '../../src/process/secure-endpoint.js';
import { createSystemClock } from '../../src/process/system-clock.js';
import { computeArithmeticDigest } from '../../src/rig/digest.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { listPeers, listPrincipals } from '../../src/wire/keys.js';
import { deriveLimits } from '../../src/wire/limits.js';
import { listPurposes, type SessionPurpose } from '../../src/wire/purposes.js';
import { createSecureLinks, type SecureLinks } from '../../src/wire/secure-links.js';
import type { RigRunner } from './rig-runner.js';

const ignore = (): void => undefined;
const SILENT: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const KEPT = 256;

/** One liar. */
export class Liar {
  /** Whose inbox it may enter. */
  readonly receivers: readonly Principal[];
  /** Genuine frames of others that came to its own inbox, the newest few. */
  readonly heard: { readonly purpose: Purpose; readonly frame: Uint8Array }[] = [];
  readonly #established = new Set<Principal>();
  readonly #clock = createSystemClock();
  readonly #endpoint: SecureEndpoint;
  #onEstablished: () => void = () => {};

  private constructor(
    readonly id: Principal,
    private readonly rig: RigRunner,
    private readonly transport: MqttTransport,
    private readonly links: SecureLinks,
  ) {
    const kinds = this.#kinds();
    this.receivers = listPeers(rig.rig, id)
      .map((peer) => peer.id)
      .filter((peer) => kinds.get(peer) === 'replica' || kinds.get(peer) === 'actuator');
    this.#endpoint = new SecureEndpoint({
      links,
      // What comes is kept before it is opened.
      transport: {
        send: (to, purpose, frame) => transport.send(to, purpose, frame),
        onLink: (handler) => transport.onLink(handler),
        close: () => transport.close(),
        onFrame: (handler) =>
          transport.onFrame((from, purpose, frame, atUs) => {
            this.heard.push({ purpose, frame: frame.slice() });
            if (this.heard.length > KEPT) this.heard.shift();
            handler(from, purpose, frame, atUs);
          }),
      },
      clock: this.#clock,
      log: SILENT,
      onPayload: ignore,
      onEstablished: (peer) => {
        this.#established.add(peer);
        this.#onEstablished();
      },
    });
  }

  /** Takes the place of `id`, which must not run. */
  static async enter(rig: RigRunner, rigPath: string, id: Principal): Promise<Liar> {
    const loaded = await loadRig(rigPath);
    const keys = rig.folder.keysOf(id);
    const { transport } = await openTransport({
      rig: rig.rig,
      keys,
      addresses: rig.folder.addresses,
      log: SILENT,
    });
    const isReplica = rig.rig.replicas.some((replica) => replica.id === id);
    const links = createSecureLinks(
      rig.rig,
      keys,
      {
        rig: loaded.digests.rig,
        law: isReplica ? loaded.digests.law : null,
        arithmetic: isReplica ? computeArithmeticDigest() : null,
      },
      { bytes: (length) => new Uint8Array(randomBytes(length)) },
    );
    const liar = new Liar(id, rig, transport, links);
    liar.#endpoint.start();
    return liar;
  }

  /** Resolves when it holds a session with every receiver. */
  async untilEstablished(): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.receivers.every((receiver) => this.#established.has(receiver))) resolve();
      };
      this.#onEstablished = look;
      look();
    });
  }

  /** What it may publish to a receiver without being cut at the door. */
  purposesTo(receiver: Principal): readonly Purpose[] {
    const kinds = this.#kinds();
    const { payloadBytes } = deriveLimits(this.rig.rig);
    return [
      'hello',
      ...listPurposes(kinds.get(this.id) ?? 'observer', kinds.get(receiver) ?? 'observer')
        // A rig may have nothing to say under a purpose: no sealer makes such a frame.
        .filter((purpose) => payloadBytes[purpose] > 0),
    ] as Purpose[];
  }

  /** A frame with a true authenticator over any payload; null where there is no session. */
  seal(receiver: Principal, purpose: SessionPurpose, payload: Uint8Array): Uint8Array | null {
    return this.links.seal(receiver, purpose, payload);
  }

  send(receiver: Principal, purpose: Purpose, frame: Uint8Array): void {
    this.transport.send(receiver, purpose, frame);
  }

  /** Frames that never left: down, or the receiver does not read. */
  dropped(receiver: Principal): number {
    const counters = this.transport.counters().links.get(receiver);
    return (counters?.droppedDown ?? 0) + (counters?.droppedBacklog ?? 0);
  }

  /** Connections that ended, and attempts that failed. */
  disconnects(receiver: Principal): number {
    return this.transport.counters().links.get(receiver)?.disconnects ?? 0;
  }

  async leave(): Promise<void> {
    this.#endpoint.stop();
    await this.transport.close();
  }

  #kinds() {
    return new Map(listPrincipals(this.rig.rig).map(({ id, kind }) => [id, kind]));
  }
}
