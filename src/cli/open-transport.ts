/** The MQTT transport of one principal of a rig: its inbox, its links, and everybody's credentials. */
import type { Log, Purpose } from '../ports.js';
import { listInboxOwners, type InboxPart, type Rig } from '../rig/rig.js';
import type { TwinHandler } from '../mqtt/inbox.js';
import { deriveInboxLimits } from '../mqtt/inbox-limits.js';
import {
  createMqttTransport,
  type MqttCredentials,
  type MqttSender,
  type MqttTransport,
} from '../mqtt/mqtt-transport.js';
import { listBrokerPasswords, listPeers, listPrincipals, type PrincipalKeys } from '../wire/keys.js';
import { listPurposes } from '../wire/purposes.js';
import { readMonotonicUs } from '../process/system-clock.js';
import { listInboxAddresses, type Addresses } from './addresses.js';

export interface OpenTransportOptions {
  readonly rig: Rig;
  readonly keys: PrincipalKeys;
  readonly addresses: Addresses;
  readonly log: Log;
  /** The clock by which arrivals are stamped. */
  readonly nowUs?: () => number;
  /** Receivers to connect to, where not all that share a secret with this principal. */
  readonly only?: readonly string[];
  /** Beside the log: hears of a second process with the identity of a peer, or of this one. */
  readonly onTwin?: TwinHandler;
}

/** The transport, and what its inbox has refused so far, by cause. */
export interface OpenedTransport {
  readonly transport: MqttTransport;
  readonly readRefused: () => Record<string, number>;
}

/** Opens the inbox and begins to connect; throws where the inbox cannot be opened. */
export async function openTransport(options: OpenTransportOptions): Promise<OpenedTransport> {
  const { rig, keys, addresses, log, nowUs = readMonotonicUs, only, onTwin } = options;
  const self = keys.principal;
  const kinds = new Map(listPrincipals(rig).map(({ id, kind }) => [id, kind]));
  const selfKind = kinds.get(self);
  if (selfKind === undefined) throw new RangeError(`rig ${rig.id} has no principal "${self}"`);
  const peers = listPeers(rig, self);
  const inboxes = new Map<string, InboxPart>(listInboxOwners(rig).map(({ id, inbox }) => [id, inbox]));
  const credentials = deriveCredentials(rig, keys);
  const toSender = ({ id, kind }: (typeof peers)[number]): MqttSender => ({
    id,
    purposes: ['hello', ...listPurposes(kind, selfKind)] as Purpose[],
    password: credentials.admitted.get(id)?.[0] ?? '',
  });
  const refused = new Map<string, number>();
  const transport = await createMqttTransport({
    rigId: rig.id,
    self,
    inbox: inboxes.get(self) ?? null,
    externalPassword: credentials.own[0] ?? '',
    peers: peers.flatMap(({ id }) => {
      const inbox = inboxes.get(id);
      if (inbox === undefined || (only !== undefined && !only.includes(id))) return [];
      return [{ id, inbox, sendPassword: credentials.sending.get(id)?.[0] ?? '' }];
    }),
    acceptFrom: peers.filter(({ kind }) => kind !== 'operator' && kind !== 'observer').map(toSender),
    operators: peers.filter(({ kind }) => kind === 'operator').map(toSender),
    observers: peers.filter(({ kind }) => kind === 'observer').map(toSender),
    limits: deriveInboxLimits(rig),
    addresses: listInboxAddresses(addresses),
    nowUs,
    log,
    ...(onTwin === undefined ? {} : { onTwin }),
    onRefusal: (cause) => refused.set(`inbox-${cause}`, (refused.get(`inbox-${cause}`) ?? 0) + 1),
  });
  // Passwords of the epoch before, and who is revoked.
  transport.renewCredentials(credentials);
  return { transport, readRefused: () => Object.fromEntries(refused) };
}

/** Everybody's passwords by these keys, in all epochs that they hold. */
export function deriveCredentials(rig: Rig, keys: PrincipalKeys): MqttCredentials {
  const self = keys.principal;
  const peers = listPeers(rig, self);
  return {
    own: listBrokerPasswords(keys, self, self),
    sending: new Map(peers.map(({ id }) => [id, listBrokerPasswords(keys, self, id)])),
    admitted: new Map(peers.map(({ id }) => [id, listBrokerPasswords(keys, id, self)])),
  };
}
