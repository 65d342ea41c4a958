/** What a person can do about each thing that an inbox refuses, for its log. */
import type { RefusalCause } from './inbox.js';

const FOREIGN =
  'if it is a program of yours, let it speak plain MQTT 3.1.1 as src/wire/WIRE.md says; if not, find out who it is';
const FAULTY = 'look at that part of the rig: it is faulty, of another version, or not what it claims to be';
const TOO_MUCH = 'look at that part of the rig: it sends more than the rig gives it to say';
const SLOW = 'look at the network and at how busy that machine is';

/** One sentence without its full stop for each cause. */
export const REFUSAL_CURES: Readonly<Record<RefusalCause, string>> = {
  malformed: FOREIGN,
  oversize: FOREIGN,
  credentials: 'give it the key file that was made for it with all the others, and its id as client id',
  expired: 'bring it the key file of the newest epoch, from the folder in which the keys were rotated',
  revoked: 'it has been revoked: if that was a mistake, replace its keys with voteplane keys replace',
  takeover: 'end the second process with that id, or wait until its old connection has died',
  session: FOREIGN,
  order: FOREIGN,
  quality: FOREIGN,
  topic: FAULTY,
  subscription: 'let it subscribe to topics of this inbox only, as an observer of the rig',
  rate: TOO_MUCH,
  flood: 'see who else publishes at that broker, and close it to them',
  penalty: TOO_MUCH,
  connections: 'see who connects to this port, and keep strangers off its network',
  'connect-timeout': FOREIGN,
  silent: SLOW,
  frozen: SLOW,
  'lagging-reader': SLOW,
};
