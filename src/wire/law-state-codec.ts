/** The state of a control law as canonical bytes, up to the longest that a rig may allow. */
import type { StateCodec } from '../rig/compose-law.js';
import { MAX_STATE_BYTES } from '../rig/schema.js';
import { decodeCbor, encodeCbor } from './cbor.js';

export const lawStateCodec: StateCodec = {
  encode: encodeCbor,
  decode: (bytes) => decodeCbor(bytes, MAX_STATE_BYTES),
};
