/**
 * Loads a control law: reads its file and what it imports, transpiles TypeScript (sucrase, which keeps line numbers),
 * runs the modules in a `LawContext`, and takes the digest of the emitted code, so that replicas can tell whether they
 * run the same law. Imports reach `voteplane/law` and files beside or below the law, nothing else.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { transform } from 'sucrase';
import { LawContext, RUN_LIMIT_MS, TRAP_PREFIX } from './law-context.js';
import type { CommandCaller, StepCaller } from './law-context.js';
import { copyPlain } from './plain-value.js';
import type { PlainValue } from './plain-value.js';
import { RigError } from './mistake.js';
import type { Mistake, MistakeCode } from './mistake.js';

/** Longest source file, bytes, and most files of a law. */
const MAX_FILE_BYTES = 262_144;
const MAX_FILES = 64;

/** Modules of a rig folder, loaded in a room of their own. */
export interface LoadedModule {
  /** Exports of the entry module; functions in it run inside the room. */
  readonly exports: Readonly<Record<string, unknown>>;
  /** SHA-256 over the emitted code of all files, in the order of their paths from the entry's folder. */
  readonly digest: Uint8Array;
  /** Paths from the entry's folder, with forward slashes, the entry among them. */
  readonly files: readonly string[];
  readonly context: LawContext;
}

/** A control law, ready to run. Everything in it is plain, checked data except what is reached through `open`. */
export interface CompiledLaw {
  /** File as mistakes call it. */
  readonly file: string;
  readonly digest: Uint8Array;
  readonly files: readonly string[];
  /** Sensor ids the law says it reads, with their types, or null when it does not say. */
  readonly sensors: Readonly<Record<string, 'number' | 'boolean'>> | null;
  /** Actuator ids the law says it commands, or null when it does not say. */
  readonly actuators: readonly string[] | null;
  /** Commands that the law takes, with the types of their arguments. */
  readonly commands: LawCommandTypes;
  readonly initial: PlainValue;
  /** A fresh room with the law in it, sharing nothing with any other. */
  open(): OpenLaw;
}

/** By command, by argument. */
export type LawCommandTypes = Readonly<Record<string, Readonly<Record<string, ArgumentTypeName>>>>;
export type ArgumentTypeName = 'number' | 'boolean' | 'string';

/** A law in its room. */
export interface OpenLaw {
  /** Runs one step; throws what the law throws. The result belongs to the room. */
  step(
    state: PlainValue,
    ids: readonly string[],
    values: readonly (number | boolean | null)[],
    qualities: readonly string[],
    tick: number,
  ): unknown;
  /** Copies the state that the next step is called with, the very same object, so that the step need not. */
  prepare(state: PlainValue): void;
  /** The same as `step` for at most a second; for `check`. */
  stepLimited: OpenLaw['step'];
  /**
   * Runs one of the law's commands on a state; throws what it throws. `values` in the order of `ids`. The result belongs
   * to the room.
   */
  command(
    id: string,
    state: PlainValue,
    ids: readonly string[],
    values: readonly (number | boolean | string)[],
    tick: number,
  ): unknown;
  /** The same for at most a second; for `check`. */
  commandLimited: OpenLaw['command'];
}

/**
 * Loads one TypeScript or JavaScript file of a rig folder with its imports. `file` is its path on disk, `shown` what
 * mistakes call it. Throws a `RigError`.
 */
export function loadModule(file: string, shown: string = file): LoadedModule {
  return new ModuleLoader(file, shown, new Map()).load();
}

/** Loads a control law; see `loadModule`. Throws a `RigError`. */
export function loadLaw(file: string, shown: string = file): CompiledLaw {
  // Every room runs the code that the digest was taken of, whatever happens to the files meanwhile.
  const emitted = new Map<string, string>();
  const loaded = new ModuleLoader(file, shown, emitted).load();
  const found = findLaw(loaded, shown);
  return {
    file: shown,
    digest: loaded.digest,
    files: loaded.files,
    sensors: found.sensors,
    actuators: found.actuators,
    commands: found.commands,
    initial: found.initial,
    open: () => {
      const fresh = new ModuleLoader(file, shown, emitted).load();
      const { owner, step, handlers } = findLaw(fresh, shown);
      const caller: StepCaller = fresh.context.createCaller();
      const callCommand: CommandCaller = fresh.context.createCommandCaller();
      const bound = step.bind(owner);
      const run: OpenLaw['step'] = (state, ids, values, qualities, tick) =>
        caller.step(bound, state, ids, values, qualities, tick);
      const runCommand: OpenLaw['command'] = (id, state, ids, values, tick) =>
        callCommand(handlers.get(id), state, ids, values, tick);
      return {
        step: run,
        prepare: (state) => caller.prepare(state),
        stepLimited: (...inputs) => fresh.context.runLimited(() => run(...inputs)),
        command: runCommand,
        commandLimited: (...inputs) => fresh.context.runLimited(() => runCommand(...inputs)),
      };
    },
  };
}

interface FoundLaw {
  readonly owner: object;
  readonly step: (...inputs: unknown[]) => unknown;
  readonly initial: PlainValue;
  readonly sensors: Readonly<Record<string, 'number' | 'boolean'>> | null;
  readonly actuators: readonly string[] | null;
  readonly commands: LawCommandTypes;
  /** Bound to their owners. */
  readonly handlers: ReadonlyMap<string, unknown>;
}

/** `export default defineLaw({ … })`, or `export const initial` with `export function law`. */
function findLaw(loaded: LoadedModule, shown: string): FoundLaw {
  const refuse = (what: string, cure: string): RigError =>
    new RigError([{ code: 'VP-RIG-LAW-SHAPE', file: shown, line: 1, column: 1, what, cure }]);
  const { default: main } = loaded.exports;
  const owner = (typeof main === 'object' && main !== null ? main : loaded.exports) as Record<
    string,
    unknown
  >;
  const { law } = owner;
  if (typeof law !== 'function') {
    throw refuse(
      'the module exports no law',
      "Write export default defineLaw({ … }) with defineLaw from 'voteplane/law'",
    );
  }
  if (!('initial' in owner))
    throw refuse('the law has no initial state', 'Add initial: …; null if it keeps no state');
  const initial = copyPlain(owner['initial']);
  if (!initial.ok)
    throw refuse(`the initial state ${initial.why}`, 'Keep plain data in it: numbers, texts, lists, objects');
  return {
    owner,
    step: law as FoundLaw['step'],
    initial: initial.value,
    sensors: readSensorTypes(owner['sensors'], refuse),
    actuators: readActuatorIds(owner['actuators'], refuse),
    ...readCommands(owner['commands'], refuse),
  };
}

function readCommands(
  given: unknown,
  refuse: (what: string, cure: string) => RigError,
): Pick<FoundLaw, 'commands' | 'handlers'> {
  const commands: Record<string, Readonly<Record<string, ArgumentTypeName>>> = {};
  const handlers = new Map<string, unknown>();
  if (given === undefined) return { commands, handlers };
  const cure =
    "Write commands: { 'set-target': { arguments: { pitch: 'number' }, apply(state, given) { … } } }";
  if (typeof given !== 'object' || given === null) throw refuse('commands is no mapping', cure);
  for (const id of Object.keys(given)) {
    const one = (given as Record<string, unknown>)[id] as
      { readonly arguments?: unknown; readonly apply?: unknown } | null | undefined;
    const apply = one?.apply;
    if (typeof apply !== 'function') throw refuse(`the command ${id} has no apply`, cure);
    const types: Record<string, ArgumentTypeName> = {};
    const copied = copyPlain(one?.arguments ?? {});
    if (
      !copied.ok ||
      typeof copied.value !== 'object' ||
      copied.value === null ||
      Array.isArray(copied.value)
    )
      throw refuse(`commands.${id}.arguments is no mapping of ids to types`, cure);
    for (const [argument, type] of Object.entries(copied.value)) {
      if (type !== 'number' && type !== 'boolean' && type !== 'string')
        throw refuse(
          `commands.${id}.arguments.${argument} is none of 'number', 'boolean' and 'string'`,
          cure,
        );
      types[argument] = type;
    }
    commands[id] = types;
    handlers.set(id, (apply as (...inputs: unknown[]) => unknown).bind(one));
  }
  return { commands, handlers };
}

function readSensorTypes(
  given: unknown,
  refuse: (what: string, cure: string) => RigError,
): Readonly<Record<string, 'number' | 'boolean'>> | null {
  if (given === undefined) return null;
  const cure = "Write sensors: { pitch: 'number', gear: 'boolean' }";
  const copied = copyPlain(given);
  if (
    !copied.ok ||
    typeof copied.value !== 'object' ||
    copied.value === null ||
    Array.isArray(copied.value)
  ) {
    throw refuse('sensors is no mapping of ids to types', cure);
  }
  const types: Record<string, 'number' | 'boolean'> = {};
  for (const [id, type] of Object.entries(copied.value)) {
    if (type !== 'number' && type !== 'boolean')
      throw refuse(`sensors.${id} is neither 'number' nor 'boolean'`, cure);
    types[id] = type;
  }
  return types;
}

function readActuatorIds(
  given: unknown,
  refuse: (what: string, cure: string) => RigError,
): readonly string[] | null {
  if (given === undefined) return null;
  const copied = copyPlain(given);
  if (!copied.ok || !Array.isArray(copied.value))
    throw refuse('actuators is no list', "Write actuators: ['elevator']");
  return copied.value.map((id) => {
    if (typeof id !== 'string')
      throw refuse('actuators holds what is no id', "Write actuators: ['elevator']");
    return id;
  });
}

interface Module {
  readonly name: string;
  readonly code: string;
  readonly module: { exports: Record<string, unknown> };
}

class ModuleLoader {
  private readonly context = new LawContext();
  private readonly modules = new Map<string, Module>();
  private readonly root: string;
  private readonly shownRoot: string;
  private sealed = false;

  constructor(
    private readonly file: string,
    private readonly shown: string,
    /** Emitted code by real path, filled as files are read. */
    private readonly emitted: Map<string, string>,
  ) {
    this.root = path.dirname(resolveReal(file) ?? path.resolve(file));
    this.shownRoot = path.dirname(shown);
  }

  load(): LoadedModule {
    const real = resolveReal(this.file);
    if (real === null) {
      throw this.fail(
        'VP-RIG-FILE',
        this.shown,
        { line: 1, column: 1 },
        'the file is not there',
        'Create it, or correct the path',
      );
    }
    let exports: Record<string, unknown>;
    try {
      exports = this.context.runLimited(() => {
        this.modules.clear();
        return this.require(real);
      });
    } catch (error) {
      throw this.explain(error);
    }
    this.sealed = true;
    const modules = [...this.modules.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      exports,
      digest: digestModules(modules),
      files: modules.map((one) => one.name),
      context: this.context,
    };
  }

  private require(real: string): Record<string, unknown> {
    const known = this.modules.get(real);
    if (known !== undefined) return known.module.exports;
    const name = path.relative(this.root, real).split(path.sep).join('/');
    const shown = path.join(this.shownRoot, name);
    const atStart = { line: 1, column: 1 };
    if (this.modules.size >= MAX_FILES) {
      throw this.fail(
        'VP-RIG-SIZE',
        shown,
        atStart,
        `the law has more than ${MAX_FILES} files`,
        'Join some of them',
      );
    }
    const code = this.emitted.get(real) ?? this.emit(real, shown);
    this.emitted.set(real, code);
    const module = this.context.create('({ exports: {} })') as { exports: Record<string, unknown> };
    this.modules.set(real, { name, code, module });
    const body = this.context.compile(code, shown);
    body(module.exports, (specifier: string) => this.import(String(specifier), real, shown, code), module);
    return module.exports;
  }

  private emit(real: string, shown: string): string {
    const { size } = statSync(real);
    if (size > MAX_FILE_BYTES) {
      const what = `the file has ${size} bytes, more than ${MAX_FILE_BYTES}`;
      throw this.fail('VP-RIG-SIZE', shown, { line: 1, column: 1 }, what, 'Split it, or leave tables out');
    }
    // A checkout that turns line ends round must not change the digest.
    const source = readFileSync(real, 'utf8')
      .replace(/^\ufeff/, '')
      .replace(/\r\n?/g, '\n');
    const typed = /\.m?ts$/.test(real);
    try {
      return transform(source, {
        transforms: typed ? ['typescript', 'imports'] : ['imports'],
        disableESTransforms: true,
        production: true,
      }).code;
    } catch (error) {
      const { message, loc } = error as { message?: string; loc?: { line?: number; column?: number } };
      const at = { line: loc?.line ?? 1, column: loc?.column ?? 1 };
      const what = `this is no ${typed ? 'TypeScript' : 'JavaScript'} (${(message ?? String(error)).replace(/\s*\(\d+:\d+\)$/, '')})`;
      throw this.fail('VP-RIG-LAW-SYNTAX', shown, at, what, 'Correct the syntax');
    }
  }

  private import(specifier: string, from: string, shown: string, code: string): unknown {
    const at = { line: findLine(code, specifier), column: 1 };
    const refuse = (what: string, cure: string): RigError =>
      this.fail('VP-RIG-LAW-IMPORT', shown, at, what, cure);
    const quoted = JSON.stringify(specifier);
    if (this.sealed)
      throw refuse(`${quoted} is imported while the law runs`, 'Import at the top of the file');
    if (specifier === 'voteplane/law') {
      return this.context.create('({ __esModule: true, defineLaw: (law) => law })');
    }
    if (!/^\.\.?\//.test(specifier)) {
      const cure = "Import only 'voteplane/law' and files of the rig folder, by relative paths";
      throw refuse(`a law cannot import ${quoted}: it may know nothing but its readings`, cure);
    }
    const target = findFile(path.resolve(path.dirname(from), specifier));
    if (target === null) throw refuse(`there is no file ${quoted}`, 'Create it, or correct the path');
    const inside = path.relative(this.root, target);
    if (inside.startsWith('..') || path.isAbsolute(inside)) {
      throw refuse(`${quoted} lies outside the folder of the law`, 'Move it beside the law or below');
    }
    return this.require(target);
  }

  private fail(
    code: MistakeCode,
    file: string,
    at: { readonly line: number; readonly column: number },
    what: string,
    cure: string,
  ): RigError {
    return new RigError([{ code, file, ...at, what, cure }]);
  }

  private explain(error: unknown): RigError {
    return error instanceof RigError ? error : new RigError([explainLawError(error, this.shown)]);
  }
}

/** Turns what a law throws into a mistake, with the place inside the law's own files if the stack names it. */
export function explainLawError(error: unknown, shown: string): Mistake {
  const { code, message, name, stack } = readError(error);
  const at = findPlace(stack, path.dirname(shown)) ?? { file: shown, line: 1, column: 1 };
  if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
    const what = `the law did not end within ${RUN_LIMIT_MS} ms`;
    return { code: 'VP-RIG-LAW-RUN', ...at, what, cure: 'Bound its loops' };
  }
  if (message.startsWith(TRAP_PREFIX)) {
    const cure = 'Keep what you need in the state, and derive it from readings and the tick';
    return { code: 'VP-RIG-LAW-TRAP', ...at, what: message.slice(TRAP_PREFIX.length), cure };
  }
  if (name === 'SyntaxError') {
    return {
      code: 'VP-RIG-LAW-SYNTAX',
      ...at,
      what: `the code does not parse (${message})`,
      cure: 'Correct the syntax',
    };
  }
  if (name === 'EvalError') {
    const what = 'the law makes code from text';
    return {
      code: 'VP-RIG-LAW-TRAP',
      ...at,
      what,
      cure: 'Write the code into the file: the digest covers that only',
    };
  }
  const cure = 'Mend the law; it must answer for every reading, lost ones (null) too';
  return { code: 'VP-RIG-LAW-RUN', ...at, what: `the law throws ${name}: ${message}`, cure };
}

/** Reads an error of any realm, or what was thrown instead of one; never throws. */
function readError(error: unknown): { code: string; message: string; name: string; stack: string } {
  const read = (key: string): string => {
    try {
      const value = (error as Record<string, unknown> | null)?.[key];
      return typeof value === 'string' ? value.slice(0, 4_000) : '';
    } catch {
      // A getter of the law's own making; it has no say in how its failure is told.
      return '';
    }
  };
  const message = typeof error === 'string' ? error : read('message');
  return {
    code: read('code'),
    message: message.split('\n')[0]?.slice(0, 300) ?? '',
    name: read('name') || 'Error',
    stack: read('stack'),
  };
}

/** The first line of a stack that lies in a file below `folder`. */
function findPlace(stack: string, folder: string): { file: string; line: number; column: number } | null {
  const prefix = folder === '.' ? '' : `${folder}${path.sep}`;
  for (const line of stack.split('\n')) {
    const match = /(?:^|\()((?:[A-Za-z]:)?[^():]+\.m?[tj]s):(\d+)(?::(\d+))?\)?$/.exec(
      line.trim().replace(/^at /, ''),
    );
    if (match === null) continue;
    const file = match[1] as string;
    if (file.startsWith('node:') || !file.startsWith(prefix) || (prefix === '' && path.isAbsolute(file)))
      continue;
    return {
      file,
      line: Number(match[2]),
      column: match[3] === undefined ? 1 : Math.max(1, Number(match[3])),
    };
  }
  return null;
}

function digestModules(modules: readonly Module[]): Uint8Array {
  const hash = sha256.create();
  const text = new TextEncoder();
  const add = (part: string): void => {
    const bytes = text.encode(part);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    hash.update(length).update(bytes);
  };
  add('voteplane/law-digest/1');
  for (const { name, code } of modules) {
    add(name);
    add(code);
  }
  return hash.digest();
}

/** `./x.js` also names x.ts, as TypeScript has it; `./x` names x.ts or x.js. */
function findFile(target: string): string | null {
  const candidates = [target];
  if (/\.m?js$/.test(target)) candidates.push(target.replace(/js$/, 'ts'));
  if (!/\.m?[jt]s$/.test(target)) candidates.push(`${target}.ts`, `${target}.js`);
  for (const candidate of candidates) {
    if (!/\.m?[jt]s$/.test(candidate)) continue;
    const real = resolveReal(candidate);
    if (real !== null) return real;
  }
  return null;
}

/** The path with links followed; null unless it is a file. */
function resolveReal(file: string): string | null {
  try {
    const real = realpathSync(file);
    return statSync(real).isFile() ? real : null;
  } catch {
    // Absent, unreadable or a loop of links: for the caller there is no such file, and it says so.
    return null;
  }
}

function findLine(code: string, specifier: string): number {
  const index = code.indexOf(`require('${specifier}')`);
  return index < 0 ? 1 : code.slice(0, index).split('\n').length;
}
