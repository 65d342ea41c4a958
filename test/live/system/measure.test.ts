/** `voteplane check RIG --measure` against rigs that run, that do not, and whose links are too slow for their rounds. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runToEnd, type HandExit } from '../../support/hand-process.js';
import { copyRig, removeRig } from '../../support/rig-copy.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const PITCH = path.join(ROOT, 'hardware', 'rigs', 'pitch');

interface Json {
  readonly ok: boolean;
  readonly round: { readonly configuredUs: number; readonly neededUs: number; readonly percent: number };
  readonly worst: {
    readonly from: string;
    readonly to: string;
    readonly arrivalUs: number;
    readonly delayUs: number;
  };
  readonly findings: readonly { readonly level: string; readonly what: string; readonly cure: string }[];
  readonly measurement: {
    readonly replicas: readonly {
      readonly id: string;
      readonly mode: string;
      readonly ticks: number;
      readonly skew: { readonly p99Us: number };
      readonly processing: { readonly count: number; readonly p99Us: number };
    }[];
    readonly links: readonly {
      readonly from: string;
      readonly to: string;
      readonly expected: number;
      readonly lost: number;
      readonly delay: { readonly count: number; readonly p50Us: number; readonly maxUs: number };
    }[];
    readonly unanswered: readonly { readonly id: string; readonly why: string }[];
  };
}

function measure(rig: RigRunner, rigPath: string, ...more: readonly string[]): Promise<HandExit> {
  const { folder } = rig;
  const keyed = ['--keys', folder.keyFileOf('operator'), '--addresses', folder.addressesFile];
  return runToEnd([ENTRY, 'check', rigPath, '--measure', ...keyed, ...more]);
}

describe('a rig with time to spare, on which faults are not enabled', () => {
  let rigPath: string;
  let rig: RigRunner;
  beforeAll(async () => {
    // So slow that a busy machine holds it.
    rigPath = copyRig('pitch', {
      'rig.yaml': (text) =>
        text
          .replace('period: 50 ms', 'period: 500 ms')
          .replace('round: 20 ms', 'round: 200 ms')
          .replace('hold: 180 ms', 'hold: 1500 ms')
          .replace('faults: enabled', ''),
    });
    rig = await RigRunner.prepare({ rigPath });
  });
  afterAll(async () => {
    await rig.close();
    removeRig(rigPath);
  });

  test('it does not run: whom it has asked, and how to start them', async () => {
    const exit = await measure(rig, rigPath, '--timeout', '0.5');
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toBe(
      'no replica of the rig answers (a, b, c, d); it must run to be measured\n' +
        '  a: no answer from replica a within 500 ms: see that it runs, that its inbox can be reached and that the keys are of this rig\n' +
        '  start each of them on its machine, with its own id:\n' +
        `  voteplane replica ${rigPath} --id a --keys a.keys.json --state state-a\n`,
    );
  });

  test('it runs: delay, loss and skew of every link, what they allow, and what is configured', async () => {
    await rig.start();
    await rig.fly(3);
    const exit = await measure(rig, rigPath, '--for', '5s', '--json');
    expect(exit.stderr).toBe('');
    const said = JSON.parse(exit.stdout) as Json;
    const { replicas, links, unanswered } = said.measurement;
    expect(unanswered).toEqual([]);
    expect(replicas.map(({ id, mode }) => [id, mode])).toEqual(
      ['a', 'b', 'c', 'd'].map((id) => [id, 'running']),
    );
    for (const { ticks, skew, processing } of replicas) {
      // Ten in five seconds, and what passes until the second answer is there.
      expect(ticks).toBeGreaterThanOrEqual(8);
      expect(ticks).toBeLessThanOrEqual(30);
      expect(skew.p99Us).toBeGreaterThan(0);
      expect(skew.p99Us).toBeLessThan(200_000);
      expect(processing.count).toBeGreaterThan(0);
    }
    expect(links.map(({ from, to }) => `${from}${to}`)).toEqual([
      ...['ba', 'ca', 'da', 'ab', 'cb', 'db', 'ac', 'bc', 'dc', 'ad', 'bd', 'cd'],
    ]);
    for (const { expected, lost, delay } of links) {
      expect(expected).toBeGreaterThanOrEqual(8);
      expect(lost).toBe(0);
      expect(delay.count).toBeGreaterThanOrEqual(8);
      expect(delay.p50Us).toBeLessThan(200_000);
      expect(delay.maxUs).toBeGreaterThanOrEqual(delay.p50Us);
    }
    expect(said.round.configuredUs).toBe(200_000);
    expect(said.round.neededUs).toBeGreaterThanOrEqual(said.worst.arrivalUs);
    expect(said.ok, exit.stdout).toBe(true);
    expect(exit.code).toBe(0);
    // Ten ticks are few, and it says so.
    expect(said.findings.map(({ what }) => what).join('\n')).toMatch(/only \d+ ticks were measured/);
  });

  test('a replica that does not answer is named, and the others are measured', async () => {
    await rig.kill('c');
    const exit = await measure(rig, rigPath, '--for', '2s', '--timeout', '2');
    expect(exit.code).toBe(1);
    expect(exit.stdout).toMatch(/ticks, 3 of 4 replicas$/m);
    expect(exit.stdout).toMatch(/replica c could not be measured; no answer from replica c within 2000 ms/);
    expect(exit.stdout).toMatch(/^ {2}a > b .* 0 of \d+ +\d+$/m);
  });
});

describe('a rig with a link that is too slow for its rounds', () => {
  let rig: RigRunner;
  beforeAll(async () => {
    rig = await RigRunner.prepare();
    await rig.start();
    await rig.fly(5);
  });
  afterAll(async () => {
    await rig.close();
  });

  test('it is warned of, by the name of the link and with times that would do', async () => {
    const keyed = ['--keys', rig.folder.keyFileOf('operator'), '--addresses', rig.folder.addressesFile];
    const struck = await runToEnd([ENTRY, 'fault', PITCH, 'delay on a>b ms=60 at +1', ...keyed]);
    expect(struck.stderr).toBe('');
    await rig.until('late messages', () => rig.ticksOf('b').some(({ late }) => late === 1));
    const exit = await measure(rig, PITCH, '--for', '3s');
    expect(exit.code, exit.stdout).toBe(1);
    expect(exit.stdout).toMatch(
      /the round of 20 ms is too short: needed are \d+ ms, so the margin is −\d+ %; mend a > b, the slowest link, or write 'round: \d+ ms' and a period of \d+ ms or more in rig\.yaml/,
    );
    expect(exit.stdout).toMatch(/late: (.*, )?a > b \d+ of \d+.*; late is absent/);
    const json = JSON.parse((await measure(rig, PITCH, '--for', '3s', '--json')).stdout) as Json;
    expect(json.worst).toMatchObject({ from: 'a', to: 'b' });
    expect(json.worst.delayUs).toBeGreaterThanOrEqual(59_000);
    expect(json.round).toMatchObject({ configuredUs: 20_000 });
    expect(json.round.percent).toBeLessThan(-50);
  });
});
