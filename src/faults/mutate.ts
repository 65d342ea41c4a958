/**
 * `mutate`: the words of an honest replica with small things wrong, something else for each receiver: what a liar without
 * a plan says. Where a script tries one idea, this tries the neighbourhood of every message. The messages are properly
 * authenticated; what is drawn decides the seed.
 */
import type { RelayItem, RoundMessage } from '../core/types.js';
import { alterEntry, falsifyReading } from './false-values.js';
import type { SensorPart } from '../rig/rig.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

export const MUTATIONS = [
  'round',
  'tick',
  'value',
  'absent',
  'path',
  'omit-item',
  'omit-message',
  'replay',
  'other',
] as const;
type Mutation = (typeof MUTATIONS)[number];

interface Sent {
  readonly to: number;
  readonly message: RoundMessage;
}

/** Messages remembered, to be said again. */
const REMEMBERED = 48;
/** How far a false value may be from the truth, as a share of the range. */
const VALUE_SHARE = 0.1;

/** Each round message is, with probability `p`, altered in one way of `kinds`, independently for each receiver. */
export function buildMutate(context: FaultContext): FaultWrapper {
  const { rig, scope, parameters, random, count } = context;
  const p = parameters.number('p');
  const named = parameters.choices('kinds');
  const kinds = MUTATIONS.filter((kind) => named === null || named.includes(kind));
  const mutator = new Mutator(context);
  return {
    peers: (next) => ({
      send: (to, message) => {
        const receiver = rig.replicas[to]?.id;
        if (message.kind !== 'round' || receiver === undefined || !scope.receivers.includes(receiver)) {
          next.send(to, message);
          return;
        }
        const kind = random.nextChance(p) ? kinds[random.nextInteger(kinds.length)] : undefined;
        const said = kind === undefined ? message : mutator.mutate(kind, to, message);
        mutator.remember(to, message);
        if (said !== message) count();
        if (said !== null) next.send(to, said);
      },
    }),
  };
}

class Mutator {
  private readonly sent: Sent[] = [];

  constructor(private readonly context: FaultContext) {}

  remember(to: number, message: RoundMessage): void {
    this.sent.push({ to, message });
    if (this.sent.length > REMEMBERED) this.sent.shift();
  }

  /** Null: nothing is said. The same object where the message has nothing to alter in that way. */
  mutate(kind: Mutation, to: number, message: RoundMessage): RoundMessage | null {
    const { random } = this.context;
    const step = random.nextChance(0.5) ? 1 : -1;
    switch (kind) {
      case 'round':
        return { ...message, round: Math.max(1, message.round + step) };
      case 'tick':
        return { ...message, tick: Math.max(0, message.tick + step) };
      case 'value':
        return this.alterItem(message, (item) => this.falsify(item));
      case 'absent':
        return this.alterItem(message, (item) => ({ ...item, value: null }));
      case 'path':
        return this.alterItem(message, (item) => this.bend(item));
      case 'omit-item':
        return this.alterItem(message, () => null);
      case 'omit-message':
        return null;
      case 'replay':
        return this.recall(message, (one) => one.to === to && one.message.tick < message.tick);
      case 'other':
        return this.recall(
          message,
          (one) => one.to !== to && one.message !== message && one.message.round === message.round,
        );
    }
  }

  private recall(message: RoundMessage, fits: (sent: Sent) => boolean): RoundMessage {
    const fitting = this.sent.filter(fits);
    return fitting[this.context.random.nextInteger(fitting.length)]?.message ?? message;
  }

  /** Alters one item; null leaves it out. */
  private alterItem(message: RoundMessage, alter: (item: RelayItem) => RelayItem | null): RoundMessage {
    const at = this.context.random.nextInteger(message.items.length);
    const item = message.items[at];
    if (item === undefined) return message;
    const altered = alter(item);
    if (altered === item) return message;
    return {
      ...message,
      items: message.items.flatMap((one, place) => (place === at ? (altered ?? []) : one)),
    };
  }

  /** Half of the time another reading, else a bit of the bytes. */
  private falsify(item: RelayItem): RelayItem {
    const { rig, random } = this.context;
    const { value } = item;
    if (value === null) return item;
    if (random.nextChance(0.5)) {
      const struck = random.nextInteger(rig.sensors.length);
      const share = VALUE_SHARE * (2 * random.nextUnit() - 1);
      const said = alterEntry(this.context, value, (reading, at) =>
        at === struck
          ? falsifyReading(reading, rig.sensors[at] as SensorPart, { kind: 'offset-share', share })
          : reading,
      );
      if (said !== value) return { ...item, value: said };
    }
    if (value.length === 0) return item;
    const bit = random.nextInteger(8 * value.length);
    const bytes = value.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    return { ...item, value: bytes };
  }

  /** One hop is another replica. */
  private bend(item: RelayItem): RelayItem {
    const { rig, random } = this.context;
    if (item.path.length === 0) return item;
    const hop = random.nextInteger(item.path.length);
    const other = random.nextInteger(rig.replicas.length);
    return { ...item, path: item.path.map((id, at) => (at === hop ? other : id)) };
  }
}
