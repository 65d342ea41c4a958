/**
 * Digests that replicas compare at joining, so that a rig of mixed configurations refuses itself (protocol.md §4).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { ArgumentPart, CommandPart, Rig } from './rig.js';

/** The one Ed25519 verifier of a rig in signed mode; libraries differ on odd points (protocol.md §3). */
export const SIGNATURE_VERIFIER = 'node:crypto Ed25519 (OpenSSL)';

/**
 * SHA-256 over what all members of a rig must share: everything that a message, a tick, a fused reading or a vote
 * depends on. Left out, because members may rightly differ in it: where inboxes and bridges are found (hosts, ports,
 * device paths, baud rates), the path of the law (its own digest is compared), and what only a demo or a report reads
 * (plant, tour, flights, expect, reliability: a better estimate of a part's life must not part a running rig).
 */
export function digestRig(rig: Rig): Uint8Array {
  const shared = [
    'voteplane/config/1',
    rig.id,
    [rig.hypothesis.kind, rig.hypothesis.kind === 'none' ? 0 : rig.hypothesis.f],
    rig.hypothesis.kind === 'byzantine' && rig.hypothesis.authenticators === 'signature'
      ? SIGNATURE_VERIFIER
      : 'mac',
    [rig.periodUs, rig.roundUs, rig.processingUs],
    [rig.mac, rig.confidential],
    rig.replicas.map((replica) => replica.id),
    rig.sensors.map((sensor) => [
      sensor.id,
      sensor.type,
      sensor.unit,
      sensor.min,
      sensor.max,
      sensor.spread,
      sensor.required,
      typeof sensor.fusion === 'string' ? sensor.fusion : ['at-least', sensor.fusion.atLeast],
      sensor.maxAgeUs,
      sensor.holdUs,
      sensor.channel,
    ]),
    rig.actuators.map((actuator) => [
      actuator.id,
      actuator.unit,
      actuator.resolution,
      actuator.minCount,
      actuator.maxCount,
      actuator.failSafeCount,
      actuator.vote,
      actuator.holdUs,
      actuator.rearm,
      actuator.channel,
    ]),
    rig.operators,
    rig.observers,
    rig.faultInjection,
    rig.law.stateMaxBytes,
    // Nothing in place of none: a rig without commands or witness is the same to releases that know none.
    ...(rig.commands.length === 0 ? [] : [rig.commands.map(listCommand)]),
    ...(rig.witness === null ? [] : [['witness', rig.witness.id]]),
  ];
  // Arrays only, so that no order of keys matters; ECMAScript fixes how numbers are written.
  return sha256(new TextEncoder().encode(JSON.stringify(shared)));
}

function listCommand({ id, by, effect, arguments: given }: CommandPart): unknown {
  return [id, by, effect, given.map(listArgument)];
}

function listArgument(argument: ArgumentPart): unknown {
  const { id, type } = argument;
  switch (type) {
    case 'quantity':
      return [id, type, argument.unit, argument.min, argument.max];
    case 'integer':
      return [id, type, argument.min, argument.max];
    case 'boolean':
      return [id, type];
    case 'choice':
      return [id, type, argument.choices];
  }
}

const UNARY = [
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'exp',
  'expm1',
  'log',
  'log1p',
  'log2',
  'log10',
  'sqrt',
  'cbrt',
  'fround',
  'round',
] as const;

/**
 * SHA-256 over a self-test table of this machine's arithmetic: every function of `Math` that ECMAScript leaves to the
 * implementation, over a fixed grid. Replicas whose tables differ could compute different commands from equal readings.
 */
export function computeArithmeticDigest(): Uint8Array {
  const grid: number[] = [];
  for (let step = -24; step <= 24; step += 1) {
    grid.push(step / 24, step * 0.7310585786300049, step * 37.41657386773941, step * 1e-7);
  }
  const results: number[] = [];
  for (const x of grid) for (const name of UNARY) results.push(Math[name](x));
  for (let index = 0; index + 1 < grid.length; index += 1) {
    const x = grid[index] as number;
    const y = grid[index + 1] as number;
    results.push(
      Math.atan2(x, y),
      Math.hypot(x, y),
      Math.hypot(x, y, 1),
      Math.pow(Math.abs(x), y),
      x * y + x,
      x / y,
    );
  }
  const bytes = new Uint8Array(8 * results.length);
  const view = new DataView(bytes.buffer);
  // NaN has many bit patterns and no order of them is promised; all count as one.
  results.forEach((result, index) => view.setFloat64(8 * index, Number.isNaN(result) ? NaN : result));
  return sha256(bytes);
}
