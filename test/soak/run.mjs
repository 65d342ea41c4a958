/**
 * `npm run soak`: strikes a rig on hosts of its own with what happens to boards, each thing many times, and prints what came
 * of it. Half of the strikes are made with embedded inboxes, half with a Mosquitto on every host. Exit 1 where a promise
 * was not kept, 2 for a wrong option.
 *
 *   npm run soak -- [--each N] [--inboxes embedded|mosquitto-each|both]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = 'usage: npm run soak -- [--each N] [--inboxes embedded|mosquitto-each|both]';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        each: { type: 'string', default: '30' },
        inboxes: { type: 'string', default: 'both' },
      },
    });
    const each = Number(values.each);
    if (!Number.isSafeInteger(each) || each < 1)
      throw new Error(`--each ${values.each}: give a whole number from 1 on`);
    if (!['embedded', 'mosquitto-each', 'both'].includes(values.inboxes))
      throw new Error(`--inboxes ${values.inboxes}: give embedded, mosquitto-each or both`);
    return { each, inboxes: values.inboxes };
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

const options = readOptions();
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'test/soak/vitest.soak.config.ts',
    'test/soak/whole.soak.ts',
  ],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, VOTEPLANE_SOAK: JSON.stringify(options) } },
);
process.exitCode = status ?? 1;
