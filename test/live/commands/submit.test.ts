/** `voteplane submit` and `voteplane log` against a rig that flies, while a replica is killed. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCommandClient } from '../../../src/cli/open-command-client.js';
import { loadRig } from '../../../src/rig/load-rig.js';
import { runToEnd, type HandExit } from '../../support/hand-process.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const PITCH = path.join(ROOT, 'hardware', 'rigs', 'pitch');

let rig: RigRunner;
beforeAll(async () => {
  rig = await RigRunner.prepare();
  await rig.start();
  await rig.fly(5);
});
afterAll(async () => {
  await rig.close();
});

function run(verb: 'submit' | 'log', ...words: readonly string[]): Promise<HandExit> {
  const { folder } = rig;
  const keyed = ['--id', 'pilot', '--keys', folder.keyFileOf('pilot'), '--addresses', folder.addressesFile];
  return runToEnd([ENTRY, verb, PITCH, ...words, ...keyed, '--timeout', '15s']);
}

const DONE = /^set-target pitch=[-.\d]+ deg: in force from tick (\d+) on \(request \d+\)\n$/;

describe('voteplane submit', () => {
  test('has a command take effect while a replica is killed, once, and the log says so', async () => {
    const first = await run('submit', 'set-target', '--pitch', '1deg');
    expect(first.stderr).toBe('');
    expect(first.stdout).toMatch(DONE);
    expect(first.code).toBe(0);

    const [second] = await Promise.all([run('submit', 'set-target', '--pitch', '-0.5deg'), rig.kill('d')]);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toMatch(DONE);

    const log = await run('log', '--json');
    expect(log.code).toBe(0);
    const { entries } = JSON.parse(log.stdout) as {
      entries: { tick: number; sequence: number; outcome: unknown; asked: unknown }[];
    };
    expect(entries.map(({ asked, outcome }) => [asked, outcome])).toEqual([
      [{ command: 'set-target', values: [1] }, { kind: 'done' }],
      [{ command: 'set-target', values: [-0.5] }, { kind: 'done' }],
    ]);
    expect(String(entries[0]?.tick)).toBe(DONE.exec(first.stdout)?.[1]);
    const { commands, disagreements, unsafeOutputs } = rig.observer.figures();
    expect({ commands, disagreements, unsafeOutputs }).toEqual({
      commands: { done: 2, refused: 0, lapsed: 0 },
      disagreements: 0,
      unsafeOutputs: 0,
    });
  });

  test('a replica that comes back has the log with the state, and what is repeated is not done again', async () => {
    await rig.start('d');
    await rig.untilCommanding('d');
    const { rig: loaded, digests } = await loadRig(PITCH);
    const { client, close } = await openCommandClient({
      rig: loaded,
      keys: rig.folder.keysOf('pilot'),
      addresses: rig.folder.addresses,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      rigDigest: digests.rig,
    });
    const sequence = 2 ** 50 + randomBytes(4).readUInt32BE();
    const request = { sequence, command: 'set-target', values: [0] };
    const once = await client.submit(request, 15_000);
    expect(once).toMatchObject({ kind: 'applied', outcome: { kind: 'done' } });
    expect(await client.submit(request, 15_000)).toEqual(once);
    expect(await client.submit({ ...request, values: [1] }, 15_000)).toMatchObject({
      kind: 'refused',
      code: 'used',
    });
    const log = await client.readLog(15_000);
    await close();
    if (log.kind !== 'log') throw new Error('the log was not answered');
    expect(log.entries.filter((one) => one.sequence === sequence)).toHaveLength(1);
    expect(log.entries).toHaveLength(3);
  });

  test('what is plainly wrong is refused before anything is sent, with the cure', async () => {
    const exit = await run('submit', 'set-target', '--pitch', '9deg');
    expect(exit).toMatchObject({ code: 2, stdout: '' });
    expect(exit.stderr).toBe('pitch is 9, out of range; give --pitch from -5 to 5 deg\n');
  });

  test('a copy of the rig with another range is refused by the replicas', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-other-'));
    try {
      cpSync(PITCH, folder, { recursive: true });
      const file = path.join(folder, 'rig.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace('range: [-5, 5]', 'range: [-4, 4]'));
      const exit = await runToEnd([
        ENTRY,
        'submit',
        folder,
        'set-target',
        '--pitch',
        '1deg',
        '--keys',
        rig.folder.keyFileOf('operator'),
        '--addresses',
        rig.folder.addressesFile,
      ]);
      expect(exit.code).toBe(1);
      expect(exit.stderr).toMatch(/was refused \(rig\): .*differ in: rig file.*copy the same rig folder/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
