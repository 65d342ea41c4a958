/**
 * An operator in a simulated world, who gives commands at their ticks. On the full wire it is the client of
 * `voteplane/client` at a computer of its own, over the simulated network. Where nothing is encoded, requests reach
 * replicas after a delay, now and then not at all, and are repeated: what cryptography proves is given by fiat, and
 * answers are not needed, as the replicas' own accounts are what checkers hold against one another.
 */
import { CommandClient } from '../client/command-client.js';
import type { Random } from '../faults/random.js';
import type { Entropy, Log, Principal, Transport } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import type { Submission } from '../rig/submission.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { encodeContent, type OperatorRequest } from '../wire/request-codec.js';
import { RANK } from './event-queue.js';
import type { Host } from './host.js';

/** How requests get to replicas. */
export type OperatorWay =
  | {
      readonly kind: 'network';
      readonly transport: Transport;
      readonly keys: PrincipalKeys;
      readonly entropy: Entropy;
      readonly log: Log;
    }
  | {
      readonly kind: 'direct';
      readonly random: Random;
      readonly hand: (replica: Principal, request: OperatorRequest) => void;
    };

export interface SimulatedOperatorParts {
  readonly rig: Rig;
  readonly id: Principal;
  readonly rigDigest: Uint8Array;
  readonly host: Host;
  /** Something that a person should read. */
  readonly say: (line: string) => void;
  /** Whether a log orders requests: then the one replica that leads has to hear of each. */
  readonly hasLog: boolean;
  /** The next request is made. */
  readonly onAsked: (sequence: number) => void;
  readonly lines: OperatorWay;
}

/** A request is given up after so long. */
const TIMEOUT_MS = 20_000;
/** Without encoding: how often it is sent, how far apart, how long each takes, and how many are lost. */
const REPEATS = 4;
const LOG_REPEATS = 8;
const REPEAT_US = 500_000;
const DELAY_US = 200;
const DELAY_SPAN_US = 30_000;
const LOSS = 0.2;

/** One operator. */
export class SimulatedOperator {
  private sequence: number;
  private readonly client: CommandClient | null;

  constructor(private readonly parts: SimulatedOperatorParts) {
    const { rig, rigDigest, host, lines, hasLog } = parts;
    // In a log the first request of everybody has number 1.
    this.sequence = hasLog ? 1 : 0;
    this.client =
      lines.kind === 'direct' ? null : new CommandClient({ rig, rigDigest, clock: host.clock, ...lines });
  }

  /** Gives a command now, under the next number. */
  give({ text, command, values }: Submission): void {
    const { id, rigDigest, say, onAsked } = this.parts;
    const { sequence } = this;
    this.sequence += 1;
    onAsked(sequence);
    if (this.client === null) {
      const content = encodeContent({ client: id, sequence, command, values, rigDigest });
      this.repeat({ kind: 'submit', content });
      return;
    }
    void this.client.submit({ sequence, command, values }, TIMEOUT_MS).then((outcome) => {
      say(
        outcome.kind === 'applied'
          ? `${id}: ${text} ${outcome.outcome.kind} at tick ${outcome.tick}`
          : outcome.kind === 'refused'
            ? `${id}: ${text} was refused: ${outcome.text}`
            : `${id}: ${text} was not answered`,
      );
    });
  }

  private repeat(request: OperatorRequest): void {
    const { rig, host, lines, hasLog } = this.parts;
    const repeats = hasLog ? LOG_REPEATS : REPEATS;
    if (lines.kind !== 'direct') return;
    const { random, hand } = lines;
    for (const { id } of rig.replicas) {
      for (let time = 0; time < repeats; time += 1) {
        if (random.nextChance(LOSS)) continue;
        const atUs = host.presentUs() + time * REPEAT_US + DELAY_US + random.nextInteger(DELAY_SPAN_US);
        host.schedule(atUs, RANK.arrival, () => hand(id, request));
      }
    }
  }
}
