/**
 * A loaded control law as the core wants it: bytes and fused readings in, bytes and counts out. Total: what the law
 * throws or returns wrong becomes a reason. The codec is passed in, since `src/rig` knows no wire.
 */
import type { FusedReading } from '../core/types.js';
import type { ArgumentValue } from './command-arguments.js';
import { KeyOrder } from './key-order.js';
import { explainLawError } from './load-law.js';
import type { CompiledLaw } from './load-law.js';
import { RigError, suggest } from './mistake.js';
import type { Mistake, MistakeCode } from './mistake.js';
import { copyPlain, isPlainMap } from './plain-value.js';
import type { PlainValue } from './plain-value.js';
import type { Rig } from './rig.js';

/** Deterministic encoding of plain data; `src/wire/cbor.ts` fits. */
export interface StateCodec {
  /** Canonical bytes. May throw on what it cannot write. */
  encode(value: PlainValue): Uint8Array;
  decode(bytes: Uint8Array): { readonly ok: true; readonly value: unknown } | { readonly ok: false };
}

export type LawOutcome =
  | {
      readonly ok: true;
      /** Canonical bytes, at most `law.state-max` of the rig. */
      readonly state: Uint8Array;
      /** One per actuator in the rig's order: a signed 32-bit count of its resolution; null: no command. */
      readonly counts: readonly (number | null)[];
    }
  | {
      readonly ok: false;
      readonly reason: string;
      /** The same as a mistake in the law, with its place. */
      readonly mistake: Mistake;
    };

/** What a command made of the state. What went wrong in it is told to the operator like a refusal, and mended in the law. */
export type CommandOutcome =
  | { readonly ok: true; readonly state: Uint8Array }
  | { readonly ok: false; readonly reason: string; readonly mistake: Mistake | null };

export interface ComposedLaw {
  /** Of its code. */
  readonly digest: Uint8Array;
  /** State before the first tick, canonical bytes. */
  readonly initialState: Uint8Array;
  /** One step. `readings` are in the rig's order of sensors, `tick` is an integer ≥ 0. Never throws. */
  step(state: Uint8Array, readings: readonly FusedReading[], tick: number): LawOutcome;
  /** Nobody waits: does what the next step would begin with, if that goes on from the last one. */
  prepare(): void;
  /** One of the rig's commands that are the law's; `values` in the rig's order of arguments, checked. Never throws. */
  command(state: Uint8Array, id: string, values: readonly ArgumentValue[], tick: number): CommandOutcome;
}

export interface ComposeOptions {
  /** Ends a step that takes longer than a second; costs a thread per step, for `check` only. */
  readonly limited?: boolean;
}

const MAX_COUNT = 2_147_483_647;
const MIN_COUNT = -2_147_483_648;

/**
 * Opens a law in a fresh room. Throws a `RigError` when the initial state cannot be encoded in the rig's
 * `law.state-max` bytes.
 */
export function composeLaw(
  loaded: { readonly rig: Rig; readonly law: CompiledLaw },
  codec: StateCodec,
  options: ComposeOptions = {},
): ComposedLaw {
  const { rig, law } = loaded;
  const open = law.open();
  const run = options.limited === true ? open.stepLimited : open.step;
  const runCommand = options.limited === true ? open.commandLimited : open.command;
  const ids = rig.sensors.map((sensor) => sensor.id);
  const argumentIds = new Map(
    rig.commands
      .filter(({ effect }) => effect === 'law')
      .map((command) => [command.id, command.arguments.map((argument) => argument.id)]),
  );
  const initial = encodeState(law.initial, rig.law.stateMaxBytes, codec);
  if (!initial.ok) {
    const cure = 'Keep less, or raise law.state-max';
    throw new RigError([
      {
        code: 'VP-RIG-LAW-STATE',
        file: law.file,
        line: 1,
        column: 1,
        what: `the initial state ${initial.why}`,
        cure,
      },
    ]);
  }
  const order = new KeyOrder();
  // Mostly a step goes on from what the one before returned; the room copies it and hands none of it to the law.
  let newest: { readonly bytes: Uint8Array; readonly value: PlainValue } | null = null;
  const decode = (bytes: Uint8Array): ReturnType<StateCodec['decode']> =>
    newest?.bytes === bytes ? { ok: true, value: newest.value } : codec.decode(bytes);
  return {
    digest: law.digest,
    initialState: initial.bytes,
    prepare() {
      if (newest !== null) open.prepare(newest.value);
    },
    command(state, id, values, tick) {
      const decoded = decode(state);
      if (!decoded.ok) return fail(law, 'VP-RIG-LAW-STATE', 'the state does not decode', 'Report this');
      const names = argumentIds.get(id);
      if (names === undefined)
        return fail(law, 'VP-RIG-LAW-COMMANDS', `there is no command ${id}`, 'Report this');
      let result: unknown;
      try {
        result = runCommand(id, decoded.value as PlainValue, names, values, tick);
      } catch (error) {
        const mistake = explainLawError(error, law.file);
        return { ok: false, reason: `${mistake.what} (${mistake.file}:${mistake.line})`, mistake };
      }
      return readCommandResult(result, law, (value) =>
        encodeState(order.apply(value) ?? value, rig.law.stateMaxBytes, codec),
      );
    },
    step(state, readings, tick) {
      const decoded = decode(state);
      if (!decoded.ok) return fail(law, 'VP-RIG-LAW-STATE', 'the state does not decode', 'Report this');
      const values = readings.map((reading) => reading.value);
      const qualities = readings.map((reading) => reading.quality);
      let result: unknown;
      try {
        result = run(decoded.value as PlainValue, ids, values, qualities, tick);
      } catch (error) {
        const mistake = explainLawError(error, law.file);
        return { ok: false, reason: `${mistake.what} (${mistake.file}:${mistake.line})`, mistake };
      }
      const numbers = readNumbers(result, rig, order);
      const quick = numbers === null ? null : encodeState(numbers.state, rig.law.stateMaxBytes, codec);
      if (numbers !== null && quick?.ok === true) {
        newest = { bytes: quick.bytes, value: numbers.state };
        return { ok: true, state: quick.bytes, counts: numbers.counts };
      }
      return readResult(result, rig, law, (value) => {
        const ordered = order.apply(value);
        const encoded = encodeState(ordered ?? value, rig.law.stateMaxBytes, codec);
        newest = encoded.ok && ordered !== null ? { bytes: encoded.bytes, value: ordered } : null;
        return encoded;
      });
    },
  };
}

function fail(
  law: CompiledLaw,
  code: MistakeCode,
  what: string,
  cure: string,
): LawOutcome & CommandOutcome & { ok: false } {
  return { ok: false, reason: what, mistake: { code, file: law.file, line: 1, column: 1, what, cure } };
}

/**
 * What most laws return, read in one pass: a state of numbers, and one for each actuator. Null for anything else, which
 * `readResult` judges.
 */
function readNumbers(
  result: unknown,
  rig: Rig,
  order: KeyOrder,
): { readonly state: { [key: string]: number }; readonly counts: readonly number[] } | null {
  try {
    if (!isPlainMap(result)) return null;
    const { state: given, commands } = result;
    if (!isPlainMap(commands) || Object.keys(commands).length !== rig.actuators.length) return null;
    const counts: number[] = [];
    for (const { id, resolution } of rig.actuators) {
      const count = Object.hasOwn(commands, id) ? countOf(commands[id], resolution) : null;
      if (count === null) return null;
      counts.push(count);
    }
    const state = order.copyNumbers(given);
    return state === null ? null : { state, counts };
  } catch {
    // Getters of the law's own that throw: `readResult` meets them again and says so.
    return null;
  }
}

/** A command in counts of the resolution; null where it is no number or takes more than 32 bits. */
function countOf(command: unknown, resolution: number): number | null {
  if (typeof command !== 'number') return null;
  const count = Math.round(command / resolution) + 0;
  return count >= MIN_COUNT && count <= MAX_COUNT ? count : null;
}

function readResult(
  result: unknown,
  rig: Rig,
  law: CompiledLaw,
  encode: (state: PlainValue) => EncodedState,
): LawOutcome {
  const refuse = (
    what: string,
    cure = 'Return { state, commands }',
    code: MistakeCode = 'VP-RIG-LAW-RUN',
  ): LawOutcome => fail(law, code, what, cure);
  const copied = copyPlain(dropUndefined(result));
  if (!copied.ok) {
    return refuse(
      `the law's result ${copied.why}`,
      'Return plain data: finite numbers, texts, lists, objects',
    );
  }
  const { value } = copied;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('the law returns no { state, commands }');
  }
  const { state, commands } = value;
  if (state === undefined)
    return refuse('the law returns no state', 'Return { state, commands }; state: null if there is none');
  if (typeof commands !== 'object' || commands === null || Array.isArray(commands)) {
    return refuse('the law returns no commands', 'Return { state, commands: { elevator: 1.5 } }');
  }
  const counts: (number | null)[] = [];
  for (const { id, resolution } of rig.actuators) {
    const command = Object.hasOwn(commands, id) ? commands[id] : null;
    if (command === null || command === undefined) {
      counts.push(null);
      continue;
    }
    if (typeof command !== 'number')
      return refuse(`the command for ${id} is no number`, 'Return a number, or leave it out');
    const count = countOf(command, resolution);
    if (count === null)
      return refuse(`the command ${command} for ${id} exceeds 32 bits of counts`, 'Limit it to the envelope');
    counts.push(count);
  }
  for (const id of Object.keys(commands)) {
    if (rig.actuators.some((actuator) => actuator.id === id)) continue;
    const known = rig.actuators.map((actuator) => actuator.id);
    const what = `the law commands ${id}, which is no actuator of the rig`;
    return refuse(what, `Actuators: ${known.join(', ')}${suggest(id, known)}`, 'VP-RIG-LAW-IDS');
  }
  const encoded = encode(state);
  if (!encoded.ok)
    return refuse(`the state ${encoded.why}`, 'Keep less, or raise law.state-max', 'VP-RIG-LAW-STATE');
  return { ok: true, state: encoded.bytes, counts };
}

function readCommandResult(
  result: unknown,
  law: CompiledLaw,
  encode: (state: PlainValue) => EncodedState,
): CommandOutcome {
  const copied = copyPlain(result);
  const cure = 'Return { state }, or { refused: why }';
  if (!copied.ok) return fail(law, 'VP-RIG-LAW-RUN', `the command's result ${copied.why}`, cure);
  const { value } = copied;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail(law, 'VP-RIG-LAW-RUN', 'the command returns no { state }', cure);
  const { state, refused } = value;
  if (refused !== undefined) {
    if (typeof refused !== 'string' || refused === '')
      return fail(law, 'VP-RIG-LAW-RUN', 'the command refuses without a reason', cure);
    return { ok: false, reason: refused, mistake: null };
  }
  if (state === undefined) return fail(law, 'VP-RIG-LAW-RUN', 'the command returns no state', cure);
  const encoded = encode(state);
  if (encoded.ok) return { ok: true, state: encoded.bytes };
  return fail(law, 'VP-RIG-LAW-STATE', `the state ${encoded.why}`, 'Keep less, or raise law.state-max');
}

/** `commands: { elevator: undefined }` is a missing command; TypeScript cannot always tell them apart. */
function dropUndefined(result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  try {
    const { state, commands } = result as { state?: unknown; commands?: unknown };
    if (typeof commands !== 'object' || commands === null || Array.isArray(commands))
      return { state, commands };
    if (!Object.values(commands).includes(undefined)) return { state, commands };
    return {
      state,
      commands: Object.fromEntries(Object.entries(commands).filter((entry) => entry[1] !== undefined)),
    };
  } catch {
    // Getters of the law's own that throw: `copyPlain` meets them again and says so.
    return result;
  }
}

type EncodedState =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly why: string };

function encodeState(state: PlainValue, maxBytes: number, codec: StateCodec): EncodedState {
  let bytes: Uint8Array;
  try {
    bytes = codec.encode(state);
  } catch (error) {
    return {
      ok: false,
      why: `cannot be encoded (${error instanceof Error ? error.message : String(error)})`,
    };
  }
  if (bytes.length > maxBytes)
    return { ok: false, why: `takes ${bytes.length} bytes, more than ${maxBytes}` };
  return { ok: true, bytes };
}
