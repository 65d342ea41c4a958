/**
 * Signatures for tests of SM(f): a register of what each replica has really signed. Nobody can enter a line for
 * anyone but itself, which is all that the algorithm asks of a signature; a liar knows every line there is, also those
 * that it was never sent.
 */
import { toHex } from '../../src/core/bytes.js';
import type { RelayItem, ReplicaIndex, RoundMessage } from '../../src/core/types.js';
import { toBytes, toText } from './toy-codec.js';

export class SignatureRegister {
  private readonly lines = new Set<string>();
  /** Items that were dropped because a signature was missing. */
  forged = 0;

  /** What the wire of `from` does with a message that leaves: every item gets its signature. */
  sign(from: ReplicaIndex, message: RoundMessage): void {
    for (const item of message.items) {
      if (item.value !== null) this.lines.add(lineOf(message, item, [...item.path, from]));
    }
  }

  /** What the wire of the receiver does: only items with every signature of their path reach the core. */
  verify(from: ReplicaIndex, message: RoundMessage): RoundMessage {
    const items: RelayItem[] = [];
    for (const item of message.items) {
      const path = [...item.path, from];
      const sound = path.every((_, at) => this.lines.has(lineOf(message, item, path.slice(0, at + 1))));
      // The chain that a relayer received has to travel on with the value.
      const carried =
        item.path.length === 0 || (item.proof !== undefined && toText(item.proof) === String(item.path));
      if (item.value !== null && sound && carried) items.push({ ...item, proof: toBytes(String(path)) });
      else this.forged += 1;
    }
    return { ...message, items };
  }
}

function lineOf(message: RoundMessage, item: RelayItem, signers: readonly ReplicaIndex[]): string {
  const value = item.value === null ? '-' : toHex(item.value);
  return `${toHex(message.run)} ${message.tick} ${value} ${signers.join('>')}`;
}
