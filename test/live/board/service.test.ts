/**
 * An installed replica as a service of a real systemd: its user, its credentials, its sandbox, its watchdog and its
 * restarts, while the rest of the rig flies.
 */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { copyRig, placeInboxes, removeRig } from '../../support/rig-copy.js';
import { ENTRY, RigRunner } from '../../support/rig-runner.js';
import {
  BOX_NODE,
  BOX_PROGRAM,
  explainNoBox,
  SystemdBox,
  type UnitState,
} from '../../support/systemd-box.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const obstacle = explainNoBox();
const UNIT = 'voteplane-pitch-a.service';

/** Until it is ready anew, systemd shows the status of the life before. */
function isRunning({ SubState, StatusText = '' }: UnitState): boolean {
  return SubState === 'running' && /^running at tick/.test(StatusText);
}

function placeBridges(addresses: Readonly<Record<string, string>>): (text: string) => string {
  return (text) => {
    let block = '';
    return text
      .split('\n')
      .map((line) => {
        block = /^ {2}(\w+):/.exec(line)?.[1] ?? block;
        return line.replace(/bridge: [^\s,}]+/, () => `bridge: tcp://${addresses[`bridge:${block}`] ?? ''}`);
      })
      .join('\n');
  };
}

test.skipIf(obstacle !== null)(
  `a replica as a service (skipped: ${obstacle ?? 'no'})`,
  { timeout: 120_000 },
  async () => {
    const rig = await RigRunner.prepare();
    cleanUps.push(() => rig.close());
    const { addresses } = rig.folder;
    const place = (text: string): string =>
      placeBridges(addresses)(placeInboxes((id) => addresses[`inbox:${id}`] ?? '')(text));
    const rigPath = copyRig('pitch', { 'rig.yaml': place });
    cleanUps.push(() => removeRig(rigPath));
    const install = [ENTRY, 'install', rigPath, '--replica', 'a', '--keys', rig.folder.keyFileOf('a')];
    const box = await SystemdBox.boot(`
    ${process.execPath} ${install.join(' ')} --root "$1" --node ${BOX_NODE} --program ${BOX_PROGRAM}
    mkdir "$1/etc/systemd/system/${UNIT}.d"
    printf '[Service]\\nStandardError=append:/run/shared/log\\n' > "$1/etc/systemd/system/${UNIT}.d/log.conf"`);
    cleanUps.push(() => box.close());
    const readLog = (): string => readFileSync(`${box.shared}/log`, 'utf8');
    await rig.start('plant', 'elevator', 'b', 'c', 'd');

    // Up, as nobody in particular, in its sandbox, and a member of the rig.
    const running = await box.until('running', UNIT, ({ StatusText = '' }) =>
      /^running at tick/.test(StatusText),
    );
    expect([running.ActiveState, running.SubState, running.NRestarts], readLog()).toEqual([
      'active',
      'running',
      '0',
    ]);
    const status = box.run('cat', `/proc/${running.MainPID ?? ''}/status`).stdout;
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(Number(/^Uid:\t(\d+)/m.exec(status)?.[1])).toBeGreaterThan(60_000);
    expect(box.run('cut', '-d', ' ', '-f', '19', `/proc/${running.MainPID ?? ''}/stat`).stdout.trim()).toBe(
      '-10',
    );

    // Killed, it comes back and runs.
    box.run('systemctl', 'kill', '--kill-who=main', '--signal=KILL', UNIT);
    const again = await box.until(
      'running again',
      UNIT,
      (state) => state.NRestarts === '1' && isRunning(state),
    );
    expect(again.MainPID).not.toBe(running.MainPID);

    // Stopped for longer than its watchdog waits, it is replaced and never goes on.
    box.run('systemctl', 'kill', '--kill-who=main', '--signal=STOP', UNIT);
    const replaced = await box.until(
      'running for the third time',
      UNIT,
      (state) => state.NRestarts === '2' && isRunning(state),
    );
    expect(replaced.MainPID).not.toBe(again.MainPID);
    expect(box.run('ps', '-p', again.MainPID ?? '').status).toBe(1);

    // A clean stop is the end of it.
    expect(box.run('systemctl', 'stop', UNIT).status).toBe(0);
    const ended = box.show(UNIT);
    expect([ended.ActiveState, ended.Result, ended.ExecMainStatus], readLog()).toEqual([
      'inactive',
      'success',
      '0',
    ]);
    // Nobody but root takes it away, and root takes all of it.
    const words = [BOX_NODE, BOX_PROGRAM, 'install', 'pitch', '--replica', 'a', '--uninstall'];
    const refused = box.run('setpriv', '--reuid=65534', '--clear-groups', ...words);
    expect([refused.status, refused.stderr]).toEqual([2, 'only root may do that; run it again with sudo\n']);
    const gone = box.run(...words);
    expect(gone.status, gone.stderr).toBe(0);
    expect(box.run('systemctl', 'daemon-reload').status).toBe(0);
    expect(box.run('systemctl', 'cat', UNIT).status).toBe(1);
    // The tick under way is finished, and what there is to say of it is said.
    expect(readLog().trim().split('\n').slice(-4).join('\n')).toMatch(/replica a stops: SIGTERM/);
  },
);
