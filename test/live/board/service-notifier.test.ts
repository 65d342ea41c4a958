/** Notices to a service manager over a real Unix datagram socket, from the notifier alone and from a replica and a voter. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { openServiceNotifier } from '../../../src/board/service-notifier.js';
import { readMonotonicUs } from '../../../src/process/system-clock.js';
import { KeptLog } from '../../firmware-bridge/bench.js';
import { HandClock } from '../../support/hand-clock.js';
import { HandProcess } from '../../support/hand-process.js';

import { ENTRY, RigRunner } from '../../support/rig-runner.js';
import { hasPerl, ServiceManager } from '../../support/service-manager.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listen(isAbstract = false): Promise<ServiceManager> {
  const manager = await ServiceManager.listen(isAbstract);
  cleanUps.push(() => manager.close());
  return manager;
}

/** Process ids of the children of a process, by the kernel's account. */
function listChildren(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

function isAlive(pid: number): boolean {
  return (
    readdirSync('/proc').includes(String(pid)) &&
    !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  );
}

async function untilDead(pid: number): Promise<void> {
  // Nobody tells of the death of a process that is no child; the test's own limit ends the wait.
  while (isAlive(pid)) await setTimeout(20);
}

const IN_TIME = { met: true, doing: 'running at tick 7' };

describe.skipIf(!hasPerl)('the notifier (needs perl with Socket, which perl-base has)', () => {
  test.each([false, true])('tells READY, strokes and STOPPING; abstract socket: %s', async (isAbstract) => {
    const manager = await listen(isAbstract);
    const clock = new HandClock();
    const log = new KeptLog();
    const notifier = openServiceNotifier(
      { NOTIFY_SOCKET: manager.socketPath, WATCHDOG_USEC: '30000', WATCHDOG_PID: String(process.pid) },
      clock,
      log,
    );
    notifier.noteTurn(IN_TIME);
    notifier.ready();
    for (let us = 0; us <= 11_000; us += 100) {
      clock.moveTo(us);
      notifier.noteTurn(IN_TIME);
    }
    notifier.stopping();
    notifier.noteTurn(IN_TIME);
    await notifier.close();
    await manager.until('STOPPING', () => manager.count('STOPPING=1') === 1);
    expect(manager.notices.map(({ assignments }) => assignments[0])).toEqual([
      'READY=1',
      'WATCHDOG=1',
      'STOPPING=1',
    ]);
    expect(manager.notices[1]?.assignments[1]).toMatch(
      /^STATUS=running at tick 7; in time in (\d+) of \1 turns$/,
    );
    expect(log.lines).toEqual([]);
  });

  test('turns that were too late are told and not stroked', async () => {
    const manager = await listen();
    const clock = new HandClock();
    const log = new KeptLog();
    const notifier = openServiceNotifier(
      { NOTIFY_SOCKET: manager.socketPath, WATCHDOG_USEC: '3000' },
      clock,
      log,
    );
    notifier.ready();
    for (let us = 0; us <= 1_500; us += 100) {
      clock.moveTo(us);
      notifier.noteTurn({ met: false, doing: 'running at tick 7' });
    }
    await notifier.close();
    await manager.until('a status', () => manager.status?.includes('in time in 0 of') === true);
    expect(manager.count('WATCHDOG=1')).toBe(0);
    expect(log.lines.join('\n')).toMatch(
      /^warn too late in (\d+) of \1 turns: the watchdog is not stroked. Give /,
    );
  });

  test("another process's watchdog is not stroked", async () => {
    const manager = await listen();
    const clock = new HandClock();
    const notifier = openServiceNotifier(
      { NOTIFY_SOCKET: manager.socketPath, WATCHDOG_USEC: '3000', WATCHDOG_PID: '1' },
      clock,
      new KeptLog(),
    );
    notifier.ready();
    for (let us = 0; us <= 1_001_000; us += 100) {
      clock.moveTo(us);
      notifier.noteTurn(IN_TIME);
    }
    await notifier.close();
    await manager.until('a status', () => manager.status?.startsWith('running') === true);
    expect(manager.count('WATCHDOG=1')).toBe(0);
  });

  test('without a service manager it starts nothing', async () => {
    const before = listChildren(process.pid);
    const notifier = openServiceNotifier({}, new HandClock(), new KeptLog());
    notifier.ready();
    notifier.noteTurn(IN_TIME);
    notifier.stopping();
    await notifier.close();
    expect(listChildren(process.pid)).toEqual(before);
  });
});

describe.skipIf(!hasPerl)('processes of a rig under a service manager (needs perl with Socket)', () => {
  /** Starts a process as systemd would, with a watchdog of 3 s. */
  async function start(rig: RigRunner, id: string, manager: ServiceManager): Promise<HandProcess> {
    const args = rig.argsOf(id).map((arg) => (arg === 'warn' ? 'info' : arg));
    const hand = new HandProcess([ENTRY, ...args], {
      env: { NOTIFY_SOCKET: manager.socketPath, WATCHDOG_USEC: '3000000' },
    });
    cleanUps.push(async () => {
      hand.kill('SIGKILL');
      await hand.ended;
    });
    await manager.until('READY', () => manager.count('READY=1') > 0);
    return hand;
  }

  async function prepare(): Promise<RigRunner> {
    const rig = await RigRunner.prepare();
    cleanUps.push(() => rig.close());
    return rig;
  }

  test('a replica alone is stroked while it waits, not while it stands still, and says when it stops', async () => {
    const rig = await prepare();
    const manager = await listen();
    const hand = await start(rig, 'a', manager);
    await manager.until('three strokes', () => manager.count('WATCHDOG=1') >= 3);
    const strokes = manager.notices.filter(({ assignments }) => assignments.includes('WATCHDOG=1'));
    const gapsMs = strokes.slice(1).map(({ atUs }, at) => (atUs - (strokes[at]?.atUs ?? 0)) / 1_000);
    for (const gapMs of gapsMs) expect(gapMs).toBeGreaterThan(900);
    expect(manager.status).toMatch(/^(listening|waiting)[^;]*; in time in \d+ of \d+ turns$/);

    hand.kill('SIGSTOP');
    const stoppedUs = readMonotonicUs();
    // Longer than the watchdog: a live systemd would have killed it by the end.
    await setTimeout(3_500);
    // One stroke may have been under way when the signal came.
    expect(manager.notices.filter(({ atUs }) => atUs > stoppedUs + 200_000)).toEqual([]);
    hand.kill('SIGCONT');
    const before = manager.count('WATCHDOG=1');
    await manager.until('strokes again', () => manager.count('WATCHDOG=1') > before);

    hand.kill('SIGTERM');
    const exit = await hand.ended;
    expect([exit.code, exit.signal]).toEqual([0, null]);
    expect(manager.count('STOPPING=1')).toBe(1);
    expect(manager.notices.at(-1)?.assignments).toContain('STOPPING=1');
  });

  test('a helper that is killed is replaced; it dies with a replica that is killed', async () => {
    const rig = await prepare();
    const manager = await listen();
    const hand = await start(rig, 'a', manager);
    const [first = 0] = listChildren(hand.pid);
    process.kill(first, 'SIGKILL');
    await hand.untilPrints(/the helper that speaks to systemd ended \(SIGKILL\); starting another/);
    await manager.until('READY again', () => manager.count('READY=1') === 2);
    const before = manager.count('WATCHDOG=1');
    await manager.until('strokes', () => manager.count('WATCHDOG=1') > before);
    const [second = 0, ...more] = listChildren(hand.pid);
    expect(second).not.toBe(first);
    expect(more).toEqual([]);
    hand.kill('SIGKILL');
    await hand.ended;
    await untilDead(second);
  });

  test('a voter that nobody commands yet is stroked', async () => {
    const rig = await prepare();
    const manager = await listen();
    const hand = await start(rig, 'elevator', manager);
    await manager.until('two strokes', () => manager.count('WATCHDOG=1') >= 2);
    expect(manager.status).toMatch(/^fail-safe; in time in /);
    hand.kill('SIGTERM');
    expect((await hand.ended).code).toBe(0);
  });

  test('a rig in flight: all replicas say running and are stroked', async () => {
    const rig = await prepare();
    await rig.start('plant', 'elevator', 'b', 'c', 'd');
    const manager = await listen();
    await start(rig, 'a', manager);
    await manager.until('running', () => /^running at tick \d+; /.test(manager.status ?? ''));
    expect(manager.count('WATCHDOG=1')).toBeGreaterThan(0);
  });
});
