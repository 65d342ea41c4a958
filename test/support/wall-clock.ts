/**
 * The time of day of a process, for a test that sets it: libfaketime in front of the C library. Only the time of day is
 * set; the clock that counts from the machine's start goes on as it does, as on a board whose time is set by a server.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { arch } from 'node:process';

const TRIPLETS: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const LIBRARY = `/usr/lib/${TRIPLETS[arch] ?? arch}/faketime/libfaketime.so.1`;

/** False where it is not installed, with the reason printed; throws where the environment requires it. */
export function findWallClock(): boolean {
  if (existsSync(LIBRARY)) return true;
  const reason = `${LIBRARY} is not there (Debian: apt-get install libfaketime)`;
  if (process.env['VOTEPLANE_REQUIRE_FAKETIME'] === '1') {
    throw new Error(`VOTEPLANE_REQUIRE_FAKETIME=1, but ${reason}`);
  }
  console.log(`skipped: the time of day that is set; ${reason}`);
  return false;
}

/** A time of day that is kept in `file`. Processes look at it about once a second. */
export class WallClock {
  constructor(private readonly file: string) {
    this.set(0);
  }

  /** From now on it shows so much more than the machine's, seconds. */
  set(aheadS: number): void {
    writeFileSync(this.file, `${aheadS < 0 ? '-' : '+'}${Math.abs(aheadS).toFixed(1)}\n`);
  }

  /** Variables of a process that is to live by it. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_CACHE_DURATION: '1',
    };
  }
}
