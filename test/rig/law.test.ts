/** Control laws: their room and its traps, their digest, what they are composed into. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.js';
import type { FusedReading } from '../../src/core/types.js';
import { composeLaw } from '../../src/rig/compose-law.js';
import type { StateCodec } from '../../src/rig/compose-law.js';
import { LawContext, RUN_LIMIT_MS } from '../../src/rig/law-context.js';
import { defineLaw } from '../../src/rig/law.js';
import { loadLaw, loadModule } from '../../src/rig/load-law.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { RigError } from '../../src/rig/mistake.js';
import { copyPlain } from '../../src/rig/plain-value.js';
import { decodeCbor, encodeCbor } from '../../src/wire/cbor.js';
import { removeRigFolders, SOUND_LAW, SOUND_LIMIT, SOUND_RIG, writeRigFolder } from './rig-folder.js';
import type { FolderFiles } from './rig-folder.js';

afterAll(removeRigFolders);

const CODEC: StateCodec = { encode: encodeCbor, decode: (bytes) => decodeCbor(bytes) };
const READINGS: readonly FusedReading[] = [
  { value: 2, quality: 'good' },
  { value: true, quality: 'degraded' },
];

/** Loads a law written as the body of a step. */
async function composeBody(body: string, files: FolderFiles = {}): ReturnType<typeof composeText> {
  return composeText(
    `export const initial = { n: 0 };\nexport function law(state, readings, tick) {\n${body}\n}\n`,
    files,
  );
}

async function composeText(law: string, files: FolderFiles = {}): Promise<ReturnType<typeof composeLaw>> {
  return composeLaw(await loadRig(writeRigFolder({ 'law.ts': law, ...files })), CODEC);
}

function refusalOf(action: () => unknown): RigError {
  try {
    action();
  } catch (error) {
    if (error instanceof RigError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the room of a law', () => {
  test.each([
    ['Date', 'Date.now()'],
    ['Date', 'new Date()'],
    ['Date', 'typeof Date'],
    ['Math.random', 'Math.random()'],
    ['performance', 'performance.now()'],
    ['setTimeout', 'setTimeout(() => 0, 1)'],
    ['setInterval', 'setInterval(() => 0, 1)'],
    ['setImmediate', 'setImmediate(() => 0)'],
    ['queueMicrotask', 'queueMicrotask(() => 0)'],
    ['process', 'process.pid'],
    ['crypto', 'crypto.randomUUID()'],
    ['fetch', "fetch('http://localhost')"],
    ['Buffer', "Buffer.from('x')"],
    ['console', 'console.log(1)'],
    ['Intl', 'new Intl.NumberFormat()'],
    ['toLocaleString', '(1.5).toLocaleString()'],
    ['localeCompare', "'a'.localeCompare('b')"],
    ['WeakRef', 'new WeakRef({})'],
    ['Atomics', 'Atomics'],
    ['SharedArrayBuffer', 'new SharedArrayBuffer(1)'],
    ['WebAssembly', 'WebAssembly'],
  ])('%s is trapped in %s', async (name, expression) => {
    const law = await composeBody(`const x = ${expression};\nreturn { state, commands: {} };`);
    const outcome = law.step(law.initialState, READINGS, 0);
    expect(outcome).toMatchObject({ ok: false, mistake: { code: 'VP-RIG-LAW-TRAP', line: 3 } });
    expect(!outcome.ok && outcome.reason).toContain(`${name} is not available to a control law`);
  });

  test.each([
    ["eval('1')", 'VP-RIG-LAW-TRAP'],
    ["new Function('return 1')()", 'VP-RIG-LAW-TRAP'],
    ["require('node:fs')", 'VP-RIG-LAW-RUN'],
    ['globalThis.global', 'VP-RIG-LAW-TRAP'],
  ])('%s does not work', async (expression, code) => {
    const law = await composeBody(`const x = ${expression};\nreturn { state, commands: {} };`);
    expect(law.step(law.initialState, READINGS, 0)).toMatchObject({ ok: false, mistake: { code } });
  });

  test('a trap also springs while modules load, and names the file', () => {
    const folder = writeRigFolder({ 'limit.ts': '\n\nexport const limit = Date.now();\n' });
    const error = refusalOf(() => loadLaw(path.join(folder, 'law.ts')));
    expect(error.mistakes).toMatchObject([
      { code: 'VP-RIG-LAW-TRAP', file: path.join(folder, 'limit.ts'), line: 3 },
    ]);
  });

  test('mathematics works', async () => {
    const law = await composeBody(
      'return { state, commands: { elevator: Math.sin(readings.pitch.value) } };',
    );
    expect(law.step(law.initialState, READINGS, 0)).toMatchObject({
      ok: true,
      counts: [Math.round(Math.sin(2) / 0.001)],
    });
  });

  test('what the law holds on to or changes reaches nobody else', async () => {
    const law = await composeBody(
      'state.n += 1; readings.pitch.value = 99; readings.extra = 1;\nreturn { state, commands: { elevator: state.n } };',
    );
    const before = toHex(law.initialState);
    for (let round = 0; round < 3; round += 1) {
      expect(law.step(law.initialState, READINGS, 0)).toMatchObject({ ok: true, counts: [1000] });
    }
    expect(toHex(law.initialState)).toBe(before);
    expect(READINGS[0]?.value).toBe(2);
  });

  test('two rooms share nothing', async () => {
    const text =
      'let calls = 0;\nexport const initial = 0;\nexport const law = (state) => ({ state: (calls += 1), commands: {} });\n';
    const loaded = await loadRig(writeRigFolder({ 'law.ts': text }));
    const [one, other] = [composeLaw(loaded, CODEC), composeLaw(loaded, CODEC)];
    const step = (law: typeof one): string => {
      const outcome = law.step(law.initialState, READINGS, 0);
      return outcome.ok ? toHex(outcome.state) : outcome.reason;
    };
    expect([step(one), step(one), step(other)]).toEqual(['01', '02', '01']);
  });
});

describe('imports', () => {
  test.each([
    ["import fs from 'fs';\nexport const initial = fs.x;", 'cannot import "fs"'],
    ["import x from '/etc/passwd.js';\nexport const initial = x;", 'cannot import'],
    ["import x from '../../x.js';\nexport const initial = x;", 'no file'],
    ["import x from './data.json';\nexport const initial = x;", 'no file'],
    ["import x from 'https://example.org/x.js';\nexport const initial = x;", 'cannot import'],
    ["export * from 'voteplane';", 'cannot import "voteplane"'],
  ])('%s', (text, what) => {
    const folder = writeRigFolder({ 'law.ts': text, 'data.json': '{}' });
    const error = refusalOf(() => loadLaw(path.join(folder, 'law.ts')));
    expect(error.mistakes[0]).toMatchObject({ code: 'VP-RIG-LAW-IMPORT', line: 1 });
    expect(error.message).toContain(what);
  });

  test('a file above the law is outside', () => {
    const folder = writeRigFolder({
      'below/law.ts': "import { limit } from '../limit.js';\nexport const initial = limit;\n",
    });
    expect(refusalOf(() => loadLaw(path.join(folder, 'below/law.ts'))).message).toContain(
      'outside the folder of the law',
    );
  });

  test('types are no imports, .js names .ts, plain JavaScript and folders below work', () => {
    const folder = writeRigFolder({
      'law.js':
        "import { gain } from './deep/gain.js';\nexport const initial = 0;\nexport const law = (state) => ({ state, commands: { elevator: gain } });\n",
      'deep/gain.ts':
        "import type { Stats } from 'node:fs';\nimport { unit } from './unit.js';\nexport const gain: number = 3 * unit;\nexport type S = Stats;\n",
      'deep/unit.js': 'export const unit = 1;\n',
    });
    expect(loadLaw(path.join(folder, 'law.js')).files).toEqual(['deep/gain.ts', 'deep/unit.js', 'law.js']);
  });

  test('circles end, and a hundred files are too many', () => {
    const folder = writeRigFolder({
      'law.ts':
        "import { a } from './a.js';\nexport const initial = 0;\nexport const law = () => ({ state: a(), commands: {} });\n",
      'a.ts': "import { b } from './b.js';\nexport const a = (): number => b;\n",
      'b.ts': "import { a } from './a.js';\nexport const b = 1;\nexport const c = (): number => a();\n",
      ...Object.fromEntries(
        Array.from({ length: 100 }, (_, i) => [
          `n${i}.ts`,
          `import { x as y } from './n${i + 1}.js';\nexport const x = y;\n`,
        ]),
      ),
    });
    expect(loadLaw(path.join(folder, 'law.ts')).files).toEqual(['a.ts', 'b.ts', 'law.ts']);
    expect(refusalOf(() => loadModule(path.join(folder, 'n0.ts'))).message).toContain('more than 64 files');
  });

  test('any module of a rig folder loads by the same rules', () => {
    const folder = writeRigFolder();
    const { limit } = loadModule(path.join(folder, 'limit.ts')).exports as {
      limit: (x: number, max: number) => number;
    };
    expect(limit(7, 5)).toBe(5);
  });
});

describe('the digest of a law', () => {
  const digestOf = (files: FolderFiles): string =>
    toHex(loadLaw(path.join(writeRigFolder(files), 'law.ts')).digest);
  const sound = digestOf({});

  test('is the same in every folder and with every line end', () => {
    expect(digestOf({})).toBe(sound);
    expect(
      digestOf({
        'law.ts': `\ufeff${SOUND_LAW.replaceAll('\n', '\r\n')}`,
        'limit.ts': SOUND_LIMIT.replaceAll('\n', '\r\n'),
      }),
    ).toBe(sound);
  });

  test('does not change with files that are not imported or with types', () => {
    expect(digestOf({ 'other.ts': 'export const x = 1;\n' })).toBe(sound);
    expect(
      digestOf({ 'limit.ts': SOUND_LIMIT.replace('x: number, max: number', 'x: number, max: 25 | 100') }),
    ).toBe(sound);
  });

  test('changes with the code of any file', () => {
    expect(digestOf({ 'law.ts': SOUND_LAW.replace('0.3', '0.31') })).not.toBe(sound);
    expect(digestOf({ 'limit.ts': SOUND_LIMIT.replace('Math.min', 'Math.max') })).not.toBe(sound);
    expect(
      digestOf({ 'law.ts': SOUND_LAW.replace('./limit.js', './limiter.js'), 'limiter.ts': SOUND_LIMIT }),
    ).not.toBe(sound);
  });

  test('is that of the code that runs, whatever happens to the file', async () => {
    const folder = writeRigFolder();
    const loaded = await loadRig(folder);
    const before = composeLaw(loaded, CODEC).step(encodeCbor({ sum: 0, tick: 0 }), READINGS, 0);
    writeFileSync(path.join(folder, 'law.ts'), SOUND_LAW.replace('-0.3', '0.3'));
    expect(composeLaw(loaded, CODEC).step(encodeCbor({ sum: 0, tick: 0 }), READINGS, 0)).toEqual(before);
  });
});

describe('a composed law', () => {
  test('turns units into counts and encodes its state canonically', async () => {
    const law = await composeText(SOUND_LAW, { 'limit.ts': SOUND_LIMIT });
    expect(toHex(law.initialState)).toBe(toHex(encodeCbor({ sum: 0, tick: 0 })));
    const outcome = law.step(law.initialState, READINGS, 7);
    expect(outcome).toEqual({ ok: true, state: encodeCbor({ sum: 2, tick: 7 }), counts: [-620] });
  });

  test.each([
    ['{ elevator: 0.0005 }', [1]],
    ['{ elevator: -0.0004 }', [0]],
    ['{ elevator: -0 }', [0]],
    ['{ elevator: null }', [null]],
    ['{ elevator: undefined }', [null]],
    ['{}', [null]],
    ['{ elevator: 2147483.647 }', [2_147_483_647]],
    ['{ elevator: -2147483.648 }', [-2_147_483_648]],
  ])('%s → %s', async (commands, counts) => {
    const law = await composeBody(`return { state, commands: ${commands} };`);
    const outcome = law.step(law.initialState, READINGS, 0);
    expect(outcome.ok && outcome.counts).toEqual(counts);
    expect(outcome.ok && Object.is(outcome.counts[0], -0)).toBe(false);
  });

  test.each([
    ['return { state, commands: { elevator: NaN } }', /holds NaN at commands\.elevator/],
    ['return { state, commands: { elevator: Infinity } }', /holds Infinity/],
    ['return { state, commands: { elevator: 2147483.648 } }', /exceeds 32 bits/],
    ['return { state, commands: { elevator: "1" } }', /is no number/],
    ['return { state, commands: { rudder: 1 } }', /commands rudder/],
    ['return { state, commands: [1] }', /no commands/],
    ['return { state }', /undefined at commands|no commands/],
    ['return { commands: {} }', /undefined at state|no state/],
    ['return null', /no \{ state, commands \}/],
    ['return', /undefined/],
    ['return (async () => ({ state, commands: {} }))()', /undefined/],
    ['return { state: { n: NaN }, commands: {} }', /holds NaN at state\.n/],
    ['return { state: { n: undefined }, commands: {} }', /undefined at state\.n/],
    ['return { state: { n: () => 1 }, commands: {} }', /a function at state\.n/],
    ['return { state: new Map(), commands: {} }', /instance of a class at state/],
    ['return { state: 1n, commands: {} }', /a bigint at state/],
    ["return { state: '\\ud800', commands: {} }", /not well-formed/],
    ['const loop = []; loop.push(loop); return { state: loop, commands: {} }', /levels deep/],
    ['return { state: [[[[[[[1]]]]]]], commands: {} }', /levels deep/],
    ['return { state: new Array(1e8), commands: {} }', /undefined|more than/],
    ["return { state: 'x'.repeat(1e6), commands: {} }", /text of 1000000 characters/],
    ["return { state: 'x'.repeat(300), commands: {} }", /takes 303 bytes, more than 256/],
    ['return { get state() { throw new Error("x"); }, commands: {} }', /throws when it is read/],
    ['throw new Error("no luck")', /throws Error: no luck/],
    ['throw null', /throws Error/],
    ['throw { get message() { throw 1; } }', /throws Error/],
    ['return law(state, readings, tick)', /throws RangeError/],
  ])('%s is refused with a reason', async (body, reason) => {
    const law = await composeBody(body);
    const outcome = law.step(law.initialState, READINGS, 0);
    expect(outcome.ok).toBe(false);
    expect(!outcome.ok && outcome.reason).toMatch(reason);
  });

  test('a step that was prepared comes to the same as one that was not, whatever the law does with its state', async () => {
    const body = `
      const { kept } = state;
      state.kept += 1;
      state.seen = (state.seen ?? 0) + kept;
      if (readings.pitch.value === 99) throw new Error('too much');
      if (tick === 3) return { state: null, commands: { elevator: 1 } };
      return { state: { seen: tick, kept: kept + 2 }, commands: { elevator: kept + 2 * (state.seen ?? 0) } };`;
    const law = `export const initial = { kept: 0 };\nexport function law(state, readings, tick) {\nif (state === null) state = { kept: 7 };${body}\n}\n`;
    const plain = await composeText(law);
    const prepared = await composeText(law);
    let states = [plain.initialState, prepared.initialState] as const;
    for (let tick = 0; tick < 12; tick += 1) {
      prepared.prepare();
      // A step may be taken twice from one state, or after one from another.
      if (tick % 5 === 4) prepared.step(prepared.initialState, READINGS, 0);
      const repeated = tick % 3 === 2 ? prepared.step(states[1], READINGS, tick) : null;
      if (tick % 4 === 1) {
        const failed = prepared.step(states[1], [{ value: 99, quality: 'good' }, ...READINGS.slice(1)], tick);
        expect(failed.ok).toBe(false);
      }
      const one = plain.step(states[0], READINGS, tick);
      const other = prepared.step(states[1], READINGS, tick);
      expect(other).toEqual(one);
      if (repeated !== null) expect(repeated).toEqual(one);
      if (!one.ok || !other.ok) throw new Error('the law runs');
      states = [one.state, other.state];
    }
  });

  test.each([
    ['a command that is missing', 'return { state: { n: 1 }, commands: {} }', [null]],
    ['a command that is none', 'return { state: { n: 1 }, commands: { elevator: undefined } }', [null]],
    ['more than is asked for', 'return { state: { n: 1 }, commands: { elevator: 5 }, more: 1 }', null],
    ['a state of numbers', 'return { state: { n: -0 }, commands: { elevator: 5 } }', null],
  ])('%s', async (_, body, counts) => {
    // The first step shows the shape of the state, those after it are read in one pass.
    const law = await composeBody(body);
    const first = law.step(law.initialState, READINGS, 0);
    expect(law.step(law.initialState, READINGS, 1)).toEqual(first);
    if (!first.ok) throw new Error(first.reason);
    if (counts !== null) expect(first.counts).toEqual(counts);
    expect(decodeCbor(first.state)).toMatchObject({ ok: true });
  });

  test.each([
    ['a number that is none', 'commands: { elevator: NaN }, state: { n: 1 }'],
    ['a state that is none', 'commands: { elevator: 1 }, state: { n: tick > 0 ? NaN : 1 }'],
    ['a count beyond 32 bits', 'commands: { elevator: 1e300 }, state: { n: 1 }'],
    ['another actuator', 'commands: { other: 1 }, state: { n: 1 }'],
  ])('%s is refused at every tick', async (_, fields) => {
    const law = await composeBody(`return { ${fields} };`);
    law.step(law.initialState, READINGS, 0);
    for (const tick of [1, 2]) expect(law.step(law.initialState, READINGS, tick).ok).toBe(false);
  });

  test('bytes that are no state are refused', async () => {
    const law = await composeText(SOUND_LAW, { 'limit.ts': SOUND_LIMIT });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(typeof law.step(bytes, READINGS, 0).ok).toBe('boolean');
      }),
      { numRuns: 300 },
    );
    expect(law.step(new Uint8Array([0xff]), READINGS, 0)).toMatchObject({
      ok: false,
      reason: 'the state does not decode',
    });
  });

  test('an initial state that is too large is a mistake of the law', async () => {
    await expect(
      composeText(
        "export const initial = 'x'.repeat(300);\nexport const law = (state) => ({ state, commands: {} });\n",
      ),
    ).rejects.toThrow(/VP-RIG-LAW-STATE the initial state takes 303 bytes/);
  });

  test('any plain state survives a round through the room', async () => {
    const law = await composeText(
      'export const initial = null;\nexport const law = (state) => ({ state, commands: {} });\n',
      {
        'rig.yaml': SOUND_RIG.replace('law: law.ts', 'law: { path: law.ts, state-max: 4096 }'),
      },
    );
    const leaf = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    );
    const key = fc
      .oneof(
        fc.string({ unit: 'grapheme', maxLength: 6 }),
        fc.constantFrom('length', 'constructor', 'toString', '0'),
      )
      .filter((text) => text !== '__proto__');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', maxDepth: 3 },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const plain = copyPlain(value);
        if (!plain.ok) throw new Error(plain.why);
        const bytes = encodeCbor(plain.value);
        if (bytes.length > 4096) return;
        const outcome = law.step(bytes, READINGS, 0);
        expect(outcome.ok && toHex(outcome.state)).toBe(toHex(bytes));
      }),
      { numRuns: 300 },
    );
  });
});

test('defineLaw hands the law back, typed by its ids and its state', () => {
  const law = defineLaw({
    sensors: { pitch: 'number', gear: 'boolean' },
    actuators: ['elevator'],
    initial: { sum: 0 },
    law(state, readings) {
      const pitch: number = readings.pitch.value ?? 0;
      const gear: boolean = readings.gear.value ?? false;
      return { state: { sum: state.sum + pitch }, commands: { elevator: gear ? 0 : pitch } };
    },
  });
  const reading = { value: 3, quality: 'good' } as const;
  expect(law.law(law.initial, { pitch: reading, gear: { value: null, quality: 'lost' } }, 1)).toEqual({
    state: { sum: 3 },
    commands: { elevator: 3 },
  });
});

describe('how long a law may run', () => {
  test('one that had no processor to run on is run again, one that had is not', () => {
    const context = new LawContext();
    const wait = new Int32Array(new SharedArrayBuffer(4));
    let calls = 0;
    const starved = (): number => {
      calls += 1;
      if (calls === 1) Atomics.wait(wait, 0, 0, RUN_LIMIT_MS + 1_000);
      return calls;
    };
    expect(context.runLimited(starved)).toBe(2);
    calls = 0;
    const endless = (): void => {
      calls += 1;
      for (;;);
    };
    expect(() => context.runLimited(endless)).toThrow('timed out');
    expect(calls).toBe(1);
  });
});
