/**
 * The room in which a control law runs: a V8 context of its own in which time, chance, the machine and the locale are
 * absent or raise an error that names the law's mistake. What the law sees are copies made inside the room.
 *
 * It keeps honest laws honest. It is no security boundary (Node's `vm` is none): a law is as trusted as the software,
 * and one that does not end stops its replica. `check` finds what hides state in module variables by running it twice.
 */
import vm from 'node:vm';

/** Every error that a trap raises begins so. */
export const TRAP_PREFIX = 'voteplane/law: ';

/** How long a law's modules, or one step under `check`, may run, ms. By the clock on the wall. */
export const RUN_LIMIT_MS = 4_000;
/** The same, ms, for a second trial, where the machine left the process less than a quarter of a processor in the first. */
const STARVED_RUN_LIMIT_MS = 20_000;

/** What the room lacks, and what to use instead. */
const TRAPPED: readonly (readonly [names: readonly string[], hint: string])[] = [
  [['Date', 'performance', 'Temporal'], 'time comes from the tick alone'],
  [
    [
      'setTimeout',
      'setInterval',
      'setImmediate',
      'clearTimeout',
      'clearInterval',
      'clearImmediate',
      'queueMicrotask',
      'requestAnimationFrame',
    ],
    'a law answers at once',
  ],
  [['crypto'], 'replicas would draw different numbers'],
  [
    ['process', 'Buffer', 'global', 'navigator', 'fetch', 'WebSocket', 'XMLHttpRequest', 'Worker'],
    'readings are all it knows of the world',
  ],
  [['console'], 'a law has no side effects'],
  [['Intl'], 'it depends on the machine'],
  [
    ['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics', 'WebAssembly'],
    'it depends on the machine',
  ],
];

/** Runs once inside a new room. */
const FURNISH = `(function (trapped, prefix) {
  'use strict';
  const refuse = (name, hint) => { throw new Error(prefix + name + ' is not available to a control law: ' + hint); };
  for (const [names, hint] of JSON.parse(trapped)) {
    for (const name of names) {
      Object.defineProperty(globalThis, name, { get: () => refuse(name, hint), configurable: false, enumerable: false });
    }
  }
  const replace = (owner, label, names, hint) => {
    for (const name of names) {
      if (!(name in owner)) continue;
      const trap = function () { return refuse(label + name, hint); };
      Object.defineProperty(owner, name, { value: trap, configurable: false, writable: false, enumerable: false });
    }
  };
  replace(Math, 'Math.', ['random'], 'replicas would draw different numbers');
  const locale = 'it depends on the locale of the machine';
  replace(String.prototype, '', ['localeCompare', 'toLocaleLowerCase', 'toLocaleUpperCase'], locale);
  for (const owner of [Object, Array, Number, BigInt]) replace(owner.prototype, '', ['toLocaleString'], locale);
})`;

/** Copies between the room and the outside, made inside so that the law never holds an outside object. */
const COPY_IN = `
  const copyIn = (value) => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const list = [];
      for (let i = 0; i < value.length; i += 1) list.push(copyIn(value[i]));
      return list;
    }
    // A copy of this room's own, __proto__ as a key like any other; what lies deeper is still the outside's.
    const result = { ...value };
    for (const key of Object.keys(result)) {
      const inner = result[key];
      if (typeof inner === 'object' && inner !== null) result[key] = copyIn(inner);
    }
    return result;
  };
`;

const CALLER = `(function () {
  'use strict';${COPY_IN}
  let ready = null;
  return {
    prepare: (state) => { ready = { state, copy: copyIn(state) }; },
    step: (step, state, ids, values, qualities, tick) => {
      const readings = {};
      for (let i = 0; i < ids.length; i += 1) readings[ids[i]] = { value: values[i], quality: qualities[i] };
      const copy = ready !== null && ready.state === state ? ready.copy : copyIn(state);
      // The law may change what it is given.
      ready = null;
      return step(copy, readings, tick);
    },
  };
})()`;

const COMMAND_CALLER = `(function () {
  'use strict';${COPY_IN}
  return (apply, state, ids, values, tick) => {
    const given = {};
    for (let i = 0; i < ids.length; i += 1) given[ids[i]] = values[i];
    return apply(copyIn(state), given, tick);
  };
})()`;

/** Calls a law's step with copies of plain data; what it returns belongs to the room and is not to be trusted. */
export interface StepCaller {
  step(
    step: unknown,
    state: unknown,
    ids: readonly string[],
    values: readonly unknown[],
    qualities: readonly string[],
    tick: number,
  ): unknown;
  /** Copies the state that the next step is called with, so that the step need not. It must not change meanwhile. */
  prepare(state: unknown): void;
}

/** The same for one of a law's commands. */
export type CommandCaller = (
  apply: unknown,
  state: unknown,
  ids: readonly string[],
  values: readonly unknown[],
  tick: number,
) => unknown;

/** One room. */
export class LawContext {
  private readonly context: vm.Context;
  private readonly pendingKey = 'voteplane.pending';

  constructor() {
    this.context = vm.createContext(Object.create(null) as object, {
      name: 'control law',
      codeGeneration: { strings: false, wasm: false },
    });
    const furnish = vm.runInContext(FURNISH, this.context) as (trapped: string, prefix: string) => void;
    furnish(JSON.stringify(TRAPPED), TRAP_PREFIX);
  }

  /** Compiles a CommonJS module body; line numbers stay those of `code`. Throws a SyntaxError. */
  compile(
    code: string,
    filename: string,
  ): (exports: object, require: (name: string) => unknown, module: object) => void {
    const head = '(function (exports, require, module) {';
    const script = new vm.Script(`${head}${code}\n})`, { filename, columnOffset: -head.length });
    return script.runInContext(this.context) as ReturnType<LawContext['compile']>;
  }

  /** A value made inside the room by a piece of our own code. */
  create(code: string): unknown {
    return vm.runInContext(code, this.context);
  }

  /** The way to call a step. */
  createCaller(): StepCaller {
    return this.create(CALLER) as StepCaller;
  }

  /** The way to call a command. */
  createCommandCaller(): CommandCaller {
    return this.create(COMMAND_CALLER) as CommandCaller;
  }

  /**
   * Runs a function that may not end, for at most `RUN_LIMIT_MS`, or anew for longer where it was starved: it must be one
   * that can be begun twice. Throws what it throws.
   */
  runLimited<T>(action: () => T): T {
    const beganMs = performance.now();
    const before = process.cpuUsage();
    try {
      return this.runFor(RUN_LIMIT_MS, action);
    } catch (error) {
      const { user, system } = process.cpuUsage(before);
      const wasStarved = (user + system) / 1_000 < RUN_LIMIT_MS / 4;
      if (!wasStarved || performance.now() - beganMs < RUN_LIMIT_MS) throw error;
      return this.runFor(STARVED_RUN_LIMIT_MS, action);
    }
  }

  private runFor<T>(limitMs: number, action: () => T): T {
    const key = Symbol.for(this.pendingKey);
    const room = this.context as unknown as Record<symbol, unknown>;
    room[key] = action;
    try {
      return vm.runInContext(`globalThis[Symbol.for('${this.pendingKey}')]()`, this.context, {
        timeout: limitMs,
      }) as T;
    } finally {
      delete room[key];
    }
  }
}
