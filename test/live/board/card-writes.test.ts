/** What a replica and a voter in flight write to a card: nothing, by the kernel's account and by what they hold open. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { FLIGHT } from '../../support/expect-flight.js';
import { RigRunner } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Bytes that a process has caused to be written to a disk. */
function readWrittenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}

/** Regular files that a process could write to. */
function listWritable(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((descriptor) => {
    const link = `${folder}/${descriptor}`;
    if (!existsSync(link) || !statSync(link).isFile()) return [];
    const flags = parseInt(
      /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'))?.[1] ?? '',
      8,
    );
    return (flags & 0o3) === 0 ? [] : [readlinkSync(link)];
  });
}

test.skipIf(!existsSync('/proc/self/io'))(
  '100 ticks write no byte to a disk (needs Linux)',
  FLIGHT,
  async () => {
    const rig = await RigRunner.prepare();
    cleanUps.push(() => rig.close());
    await rig.start();
    await rig.fly(20);
    const pids = ['a', 'elevator'].map((id) => rig.pidOf(id));
    const before = pids.map(readWrittenBytes);
    await rig.fly(100);
    expect(pids.map(readWrittenBytes)).toEqual(before);
    for (const pid of pids) expect(listWritable(pid)).toEqual([]);
    // All that a start of a replica writes: its lock, one page of a file at most.
    expect(readdirSync(rig.folder.stateFolderOf('a'))).toEqual(['process.lock']);
    expect(statSync(`${rig.folder.stateFolderOf('a')}/process.lock`).size).toBeLessThan(4_096);
  },
);
