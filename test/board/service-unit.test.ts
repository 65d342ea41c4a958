import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  deriveWatchdogUs,
  nameUnit,
  renderUnit,
  type ServiceUnitParts,
} from '../../src/board/service-unit.js';
import { PORTABLE_V8_FLAGS } from '../../src/process/v8-flags.js';

const REPLICA: ServiceUnitParts = {
  rigId: 'pitch',
  kind: 'replica',
  id: 'a',
  nodePath: process.execPath,
  programPath: '/usr/lib/node_modules/voteplane/bin/voteplane.js',
  rigFile: '/etc/voteplane/rigs/pitch/rig.yaml',
  keyFile: '/etc/voteplane/keys/pitch/a.keys.json',
  passphraseFile: null,
  nodeFlags: PORTABLE_V8_FLAGS,
  bridge: { kind: 'tcp', host: '127.0.0.1', port: 18901 },
  periodUs: 50_000,
  isVolatile: false,
};
const SERIAL = { kind: 'serial', path: '/dev/ttyACM0', baud: 115_200 } as const;

/** Values of a key of the unit, in order. */
function readValues(text: string, key: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

describe('the unit', () => {
  test('of a witness has a state folder, and no device of the board', () => {
    const text = renderUnit({ ...REPLICA, rigId: 'valve', kind: 'witness', id: 'w', bridge: null });
    expect(readValues(text, 'ExecStart')[0]).toMatch(
      / witness \S+ --id w --keys \S+ --state %S\/voteplane\/valve-w$/,
    );
    expect(readValues(text, 'StateDirectory')).toEqual(['voteplane/valve-w']);
    expect(readValues(text, 'PrivateDevices')).toEqual(['yes']);
    expect(readValues(text, 'DeviceAllow')).toEqual([]);
  });

  test('runs the process on its credentials, and on a state folder of its own', () => {
    const text = renderUnit(REPLICA);
    expect(readValues(text, 'ExecStart')).toEqual([
      `${process.execPath} ${PORTABLE_V8_FLAGS.join(' ')} /usr/lib/node_modules/voteplane/bin/voteplane.js replica ` +
        '/etc/voteplane/rigs/pitch/rig.yaml --id a --keys ${CREDENTIALS_DIRECTORY}/keys --state %S/voteplane/pitch-a',
    ]);
    expect(readValues(text, 'LoadCredential')).toEqual(['keys:/etc/voteplane/keys/pitch/a.keys.json']);
    expect(readValues(text, 'StateDirectory')).toEqual(['voteplane/pitch-a']);
  });

  test('a voter has no state; a sealed key file comes with its passphrase', () => {
    const text = renderUnit({ ...REPLICA, kind: 'actuator', id: 'elevator', passphraseFile: '/etc/p' });
    expect(readValues(text, 'ExecStart')[0]).toMatch(
      /actuator .* --keys \$\{CREDENTIALS_DIRECTORY\}\/keys --passphrase-file \$\{CREDENTIALS_DIRECTORY\}\/passphrase$/,
    );
    expect(readValues(text, 'LoadCredential')[1]).toBe('passphrase:/etc/p');
  });

  test('volatile: the state is in memory and outlives a restart', () => {
    const text = renderUnit({ ...REPLICA, isVolatile: true });
    expect(readValues(text, 'ExecStart')[0]).toContain('--state %t/voteplane/pitch-a');
    expect(readValues(text, 'RuntimeDirectoryPreserve')).toEqual(['restart']);
    expect(readValues(text, 'StateDirectory')).toEqual([]);
  });

  test('sees no device, or the serial lines that its bridge may be on', () => {
    expect(readValues(renderUnit(REPLICA), 'PrivateDevices')).toEqual(['yes']);
    const own = renderUnit({ ...REPLICA, bridge: SERIAL });
    expect(readValues(own, 'PrivateDevices')).toEqual([]);
    expect(readValues(own, 'DeviceAllow')).toEqual(['char-ttyACM rw']);
    const link = renderUnit({ ...REPLICA, bridge: { ...SERIAL, path: '/dev/serial/by-id/usb-x' } });
    expect(readValues(link, 'DeviceAllow')).toHaveLength(4);
  });

  test('paths that systemd would read otherwise are quoted', () => {
    const text = renderUnit({ ...REPLICA, programPath: '/opt/my $x 5% "b"/v.js' });
    expect(readValues(text, 'ExecStart')[0]).toContain(' "/opt/my $$x 5%% \\"b\\"/v.js" replica ');
  });

  test('the watchdog waits for some dozen ticks, and three seconds at least', () => {
    expect(deriveWatchdogUs(50_000)).toBe(3_000_000);
    expect(deriveWatchdogUs(1_000_000)).toBe(30_000_000);
    expect(readValues(renderUnit(REPLICA), 'WatchdogSec')).toEqual(['3000ms']);
  });
});

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

describe.skipIf(!hasAnalyze)('systemd itself on the unit (needs systemd-analyze)', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-unit-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const write = (parts: ServiceUnitParts): string => {
    const file = path.join(folder, nameUnit(parts.rigId, parts.id));
    writeFileSync(file, renderUnit(parts));
    return file;
  };
  const cases: readonly (readonly [string, ServiceUnitParts])[] = [
    ['replica', REPLICA],
    ['voter', { ...REPLICA, kind: 'actuator', id: 'elevator' }],
    ['serial bridge', { ...REPLICA, id: 'b', bridge: SERIAL }],
    ['volatile', { ...REPLICA, id: 'c', isVolatile: true }],
  ];

  test.each(cases)('%s: exposure is at most 3', (_, parts) => {
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', write(parts)], {
      encoding: 'utf8',
    });
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    expect(exposure).toBeLessThanOrEqual(3);
  });

  test.each(cases)('%s: every key is known, every value has a meaning', (_, parts) => {
    const file = write({ ...parts, programPath: process.execPath });
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', '--man=no', file], {
      encoding: 'utf8',
    });
    expect(stderr.split('\n').filter((line) => line.includes(path.basename(file)))).toEqual([]);
  });
});
