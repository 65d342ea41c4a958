/** `voteplane install` as a person types it, into the image of a board. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runToEnd, type HandExit } from '../support/hand-process.js';
import { copyRig, removeRig } from '../support/rig-copy.js';
import { ENTRY, ROOT } from '../support/rig-runner.js';

const PITCH = path.join(ROOT, 'hardware', 'rigs', 'pitch');
const UNIT = '/etc/systemd/system/voteplane-pitch-a.service';

let keys = '';
let image = '';

beforeAll(async () => {
  keys = mkdtempSync(path.join(tmpdir(), 'voteplane-keys-'));
  const made = await runToEnd([ENTRY, 'keys', 'generate', PITCH, '--out', keys]);
  expect(made.code, made.stderr).toBe(0);
});
afterAll(() => rmSync(keys, { recursive: true, force: true }));

beforeEach(() => {
  image = mkdtempSync(path.join(tmpdir(), 'voteplane-image-'));
  for (const file of ['/usr/bin/node', '/usr/bin/perl', '/opt/voteplane/bin/voteplane.js']) {
    mkdirSync(path.join(image, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(image, file), '');
  }
});
afterEach(() => rmSync(image, { recursive: true, force: true }));

function install(...words: string[]): Promise<HandExit> {
  return runToEnd([ENTRY, 'install', ...words]);
}

/** The words of an installation into the image. */
function intoImage(id: string, rig = PITCH): string[] {
  const part = id === 'elevator' ? '--actuator' : '--replica';
  const places = ['--root', image, '--node', '/usr/bin/node', '--program', '/opt/voteplane/bin/voteplane.js'];
  return [rig, part, id, '--keys', path.join(keys, `${id}.keys.json`), ...places];
}

function listEtc(): string[] {
  const etc = path.join(image, 'etc');
  if (!existsSync(etc)) return [];
  return (readdirSync(etc, { recursive: true }) as string[])
    .filter((name) => !lstatSync(path.join(etc, name)).isDirectory())
    .sort();
}

test('writes the rig, keys for the service alone, the unit and its link; the copy is a rig that checks', async () => {
  const exit = await install(...intoImage('a'));
  expect(exit.code, exit.stderr).toBe(0);
  expect(listEtc()).toEqual([
    'systemd/system/multi-user.target.wants/voteplane-pitch-a.service',
    'systemd/system/voteplane-pitch-a.service',
    'voteplane/keys/pitch/a.keys.json',
    'voteplane/rigs/pitch/control.ts',
    'voteplane/rigs/pitch/law.ts',
    'voteplane/rigs/pitch/profile.ts',
    'voteplane/rigs/pitch/rig.yaml',
  ]);
  const modeOf = (file: string): number => lstatSync(path.join(image, 'etc', file)).mode & 0o777;
  expect(modeOf('voteplane/keys/pitch/a.keys.json')).toBe(0o600);
  expect(modeOf('voteplane/keys')).toBe(0o700);
  expect(modeOf('voteplane/rigs/pitch/rig.yaml')).toBe(0o644);
  expect(
    readlinkSync(path.join(image, '/etc/systemd/system/multi-user.target.wants/voteplane-pitch-a.service')),
  ).toBe('../voteplane-pitch-a.service');
  const check = await runToEnd([ENTRY, 'check', path.join(image, 'etc/voteplane/rigs/pitch'), '--json']);
  expect(check.code, check.stdout).toBe(0);
});

test.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)(
  'what is written has an exposure of at most 3 (needs systemd-analyze)',
  async () => {
    for (const id of ['a', 'elevator']) {
      await install(...intoImage(id));
      const unit = path.join(image, `/etc/systemd/system/voteplane-pitch-${id}.service`);
      const words = ['security', '--offline=true', '--no-pager', '--threshold=30', unit];
      const said = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
      expect(said.status, said.stdout + said.stderr).toBe(0);
    }
  },
);

test('a second installation replaces the first; taking one part away leaves what others need', async () => {
  await install(...intoImage('a'));
  await install(...intoImage('elevator'));
  const both = listEtc();
  const again = await install(...intoImage('a'));
  expect(again.code, again.stderr).toBe(0);
  expect(listEtc()).toEqual(both);

  const first = await install(PITCH, '--replica', 'a', '--root', image, '--uninstall');
  expect(first.code, first.stderr).toBe(0);
  expect(listEtc()).toEqual(both.filter((file) => !/pitch-a\.service|a\.keys/.test(file)));
  // The rig may be gone by then: its id will do.
  const second = await install('pitch', '--actuator', 'elevator', '--root', image, '--uninstall');
  expect(second.code, second.stderr).toBe(0);
  expect(listEtc()).toEqual([]);
  const third = await install('pitch', '--actuator', 'elevator', '--root', image, '--uninstall');
  expect([third.code, third.stderr]).toEqual([2, expect.stringContaining('is not installed here')]);
});

test('--dry-run shows all, writes nothing, and needs neither root nor systemd nor keys', async () => {
  const exit = await install(PITCH, '--replica', 'a', '--root', image, '--dry-run');
  expect(exit.code, exit.stderr).toBe(0);
  expect(exit.stdout).toContain(`# ${UNIT} (mode 0644):`);
  expect(exit.stdout).toContain('WatchdogSec=3000ms');
  expect(listEtc()).toEqual([]);
});

describe('refusals, each with exit code 2 and the cure; nothing is written', () => {
  afterEach(() =>
    expect(listEtc().filter((file) => file !== 'systemd/system/voteplane-pitch-a.service')).toEqual([]),
  );

  async function refuse(...words: string[]): Promise<string> {
    const exit = await install(...words);
    expect(exit.code, exit.stdout).toBe(2);
    expect(exit.stderr).not.toMatch(/^\s+at /m);
    return exit.stderr;
  }

  test('what is left out or is not of the rig', async () => {
    expect(await refuse(PITCH)).toMatch(/--replica a, --actuator elevator or --witness w/);
    expect(await refuse(PITCH, '--replica', 'a', '--actuator', 'elevator')).toMatch(/one at a time/);
    expect(await refuse(PITCH, '--replica', 'z')).toMatch(/has no replica "z"; it has a, b, c, d/);
    expect(await refuse(PITCH, '--replica', 'a', '--root', image)).toMatch(
      /--keys: name the key file of a; "voteplane keys generate .*pitch.* --out keys" makes one/,
    );
    expect(await refuse(PITCH, '--replica', 'a', '--root', image, '--keys', `${keys}/none`)).toMatch(
      /the key file cannot be opened \(ENOENT\); check the path/,
    );
    expect(await refuse(PITCH, '--replica', 'a', '--root', image, '--keys', `${keys}/b.keys.json`)).toMatch(
      /these are the keys of "b", not of "a"/,
    );
  });

  test('a rig that does not check', async () => {
    const rig = copyRig('pitch', { 'rig.yaml': (text) => text.replace('round: 20 ms', 'round: 30 ms') });
    try {
      expect(await refuse(...intoImage('a', rig))).toMatch(/VP-RIG-/);
    } finally {
      removeRig(rig);
    }
  });

  test('an image without what the service needs', async () => {
    rmSync(path.join(image, 'usr/bin/perl'));
    expect(await refuse(...intoImage('a'))).toMatch(/perl is not there, .*; install perl-base/);
    expect(await refuse(...intoImage('a'), '--program', '/opt/none.js')).toMatch(
      /--program: .* say where it is/,
    );
    expect(await refuse(...intoImage('a'), '--node', '/opt/node')).toMatch(/install Node 20/);
    expect(await refuse(...intoImage('a'), '--root', `${image}/none`)).toMatch(/there is no such folder/);
  });

  test('a program where the service cannot see it', async () => {
    mkdirSync(path.join(image, 'home/me'), { recursive: true });
    writeFileSync(path.join(image, 'home/me/v.js'), '');
    expect(await refuse(...intoImage('a'), '--program', '/home/me/v.js')).toMatch(
      /below \/home, which the service cannot see; .*npm install --global voteplane/,
    );
  });

  test('a unit of somebody else under that name', async () => {
    mkdirSync(path.join(image, path.dirname(UNIT)), { recursive: true });
    writeFileSync(path.join(image, UNIT), '[Service]\nExecStart=/bin/true\n');
    expect(await refuse(...intoImage('a'))).toMatch(
      /voteplane did not write for this process; move it away first/,
    );
    expect(await refuse('pitch', '--replica', 'a', '--root', image, '--uninstall')).toMatch(
      /remove it by hand/,
    );
    expect(readFileSync(path.join(image, UNIT), 'utf8')).toBe('[Service]\nExecStart=/bin/true\n');
  });

  test.skipIf(existsSync('/run/systemd/system'))(
    'a machine without systemd (skipped where it runs)',
    async () => {
      expect(await refuse(PITCH, '--replica', 'a', '--keys', `${keys}/a.keys.json`)).toMatch(
        /systemd does not run here; .*--root DIR, .*--dry-run/,
      );
    },
  );
});
