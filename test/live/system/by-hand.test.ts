/** Processes as a person starts them: in any order, ended by a signal, and refused in one clear line. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { HandProcess, runToEnd } from '../../support/hand-process.js';
import { ENTRY, PLANT, RigRunner, ROOT } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function prepare(rigPath?: string): Promise<RigRunner> {
  const rig = await RigRunner.prepare(rigPath === undefined ? {} : { rigPath });
  cleanUps.push(() => rig.close());
  return rig;
}

function startByHand(rig: RigRunner, id: string): HandProcess {
  const args = rig.argsOf(id).map((arg) => (arg === 'warn' ? 'info' : arg));
  const started = new HandProcess([ENTRY, ...args]);
  cleanUps.push(async () => {
    started.kill('SIGKILL');
    await started.ended;
  });
  return started;
}

describe('order', () => {
  test('voter, replicas and plant find each other whoever comes first; SIGTERM ends each with exit code 0', async () => {
    const rig = await prepare();
    const hands = new Map(
      ['elevator', 'd', PLANT, 'a', 'c', 'b'].map((id) => [id, startByHand(rig, id)] as const),
    );
    await hands
      .get('elevator')
      ?.untilPrints(/armed at tick/)
      .catch((error: unknown) => {
        const said = [...hands].map(([id, hand]) => `${id}:\n${hand.stderr}`);
        throw new Error(said.join('\n'), { cause: error });
      });

    // A second process with the same folder would equivocate.
    const again = await runToEnd([ENTRY, ...rig.argsOf('a')]);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/already runs as replica a of rig pitch; stop it first/);
    const other = await runToEnd([
      ENTRY,
      ...rig
        .argsOf('b')
        .map((arg) => (arg === rig.folder.stateFolderOf('b') ? rig.folder.stateFolderOf('a') : arg)),
    ]);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/belongs to replica a of rig pitch, not to replica b of rig pitch/);

    for (const [id, hand] of hands) {
      hand.kill('SIGTERM');
      const exit = await hand.ended;
      expect([id, exit.code, exit.signal]).toEqual([id, 0, null]);
    }
  });

  test('replicas first, then the voter, then the plant', FLIGHT, async () => {
    const rig = await prepare();
    for (const { id } of rig.rig.replicas) await rig.start(id);
    await rig.start('elevator');
    await rig.start(PLANT);
    await rig.fly(30);
    // SIGTERM: the tick under way is finished, and the others fly on.
    await rig.stop('b');
    const last = rig.ticksOf('b').at(-1);
    expect(last?.state ?? last?.overrun ?? last?.notStepped).not.toBeNull();
    await rig.fly(15);
    await rig.start('b');
    await rig.untilCommanding('b');
    expectUndisturbed(rig, await rig.land(), 45);
  });
});

describe('refusals, each with exit code 2 and one line that names the place and the cure', () => {
  async function refuse(args: readonly string[]): Promise<string> {
    const exit = await runToEnd([ENTRY, ...args]);
    expect(exit.code, exit.stderr).toBe(2);
    expect(exit.stderr).not.toMatch(/^\s+at /m);
    return exit.stderr.trimEnd();
  }

  test('what does not belong to the rig', async () => {
    const rig = await prepare();
    const other = await prepare(path.join(ROOT, 'hardware', 'rigs', 'pitch-50hz'));
    const { folder } = rig;
    const swap = (args: readonly string[], from: string, to: string): readonly string[] =>
      args.map((arg) => (arg === from ? to : arg));
    const replica = rig.argsOf('a');
    const keys = folder.keyFileOf('a');
    const loose = path.join(folder.path, 'loose.keys.json');
    copyFileSync(keys, loose);
    chmodSync(loose, 0o644);
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [swap(replica, 'a', 'z'), /^rig pitch has no replica "z"; it has a, b, c, d$/],
      [
        swap(rig.argsOf('elevator'), 'elevator', 'rudder'),
        /^rig pitch has no actuator "rudder"; it has elevator$/,
      ],
      [
        swap(replica, keys, path.join(folder.path, 'none.json')),
        /none\.json: the key file cannot be opened \(ENOENT\); .+/,
      ],
      [
        swap(replica, keys, folder.keyFileOf('b')),
        /these are the keys of "b", not of "a"; give a\.keys\.json/,
      ],
      [
        swap(replica, keys, other.folder.keyFileOf('a')),
        /these are keys for the rig "pitch-50hz", not "pitch"; .+/,
      ],
      [
        swap(replica, keys, loose),
        /others than its owner may use the key file \(mode 644\); run: chmod 600 /,
      ],
      [
        swap(replica, replica[1] as string, '/nowhere/rig'),
        /\/nowhere\/rig.*there is no such file or folder/,
      ],
      [swap(replica, folder.addressesFile, keys), /is no text|holds no object|no address/],
      [['plant', '/nowhere/rig'], /there is no such file or folder/],
    ];
    for (const [args, pattern] of cases) {
      const said = await refuse(args);
      expect(said).toMatch(pattern);
      expect(said.split('\n').length, said).toBeLessThanOrEqual(2);
    }
  });

  test('a port that is taken', async () => {
    const rig = await prepare();
    const port = Number((rig.folder.addresses['inbox:a'] ?? '').split(':')[1]);
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
    cleanUps.push(() => new Promise((resolve) => holder.close(resolve)));
    const said = await refuse(rig.argsOf('a'));
    expect(said).toMatch(/inbox of 'a': cannot listen on 127\.0\.0\.1:\d+ .*end it, or name another port/);
    // The folder is free for the next try.
    await new Promise((resolve) => holder.close(resolve));
    const hand = startByHand(rig, 'a');
    await hand.untilPrints(/replica a of rig pitch is up, voteplane \d\S* with protocol version \d+/);
  });

  test('what was left out, and what does not exist', async () => {
    expect(await refuse(['replica', 'hardware/rigs/pitch'])).toMatch(
      /required option '--id <id>' not specified/,
    );
    expect(await refuse(['fly'])).toMatch(/unknown command 'fly'/);
    expect(await refuse(['plant', 'hardware/rigs/pitch', '--seed', 'x'])).toMatch(/whole number/);
  });

  test('a key file under a passphrase wants it, and the right one', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-keys-'));
    cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
    const right = path.join(folder, 'right');
    const wrong = path.join(folder, 'wrong');
    writeFileSync(right, 'correct horse\n', { mode: 0o600 });
    writeFileSync(wrong, 'battery staple\n', { mode: 0o600 });
    const rigPath = path.join(ROOT, 'hardware', 'rigs', 'pitch');
    const made = await runToEnd([
      ENTRY,
      'keys',
      'generate',
      rigPath,
      '--out',
      folder,
      '--passphrase-file',
      right,
    ]);
    expect(made.code, made.stderr).toBe(0);
    const ask = ['keys', 'broker-password', rigPath, '--id', 'watch', '--inbox', 'a'];
    const file = ['--keys', path.join(folder, 'watch.keys.json')];
    expect(await refuse([...ask, ...file])).toMatch(/--passphrase-file/);
    expect(await refuse([...ask, ...file, '--passphrase-file', wrong])).toMatch(/passphrase/);
    const told = await runToEnd([ENTRY, ...ask, ...file, '--passphrase-file', right]);
    expect(told.stdout).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    expect(
      await refuse(['keys', 'broker-password', rigPath, '--id', 'watch', '--inbox', 'watch', ...file]),
    ).toMatch(/watch enters no inbox of "watch"; it enters those of a, b, c, d, elevator/);
  });
});
