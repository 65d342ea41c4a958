/**
 * `kill -9` of whoever leads the command log of the valve rig, again and again, while an operator gives one command after
 * the other: each is answered soon, none is lost, none is done twice, and the tank keeps its level; then of all at once. Ten times;
 * VOTEPLANE_LEADER_KILLS says how often instead (`npm run leader-kills`).
 */
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCommandClient } from '../../../src/cli/open-command-client.js';
import type { CommandClient, SubmitOutcome } from '../../../src/client/command-client.js';
import { readMonotonicUs } from '../../../src/process/system-clock.js';
import { loadRig } from '../../../src/rig/load-rig.js';
import { RigRunner, ROOT } from '../../support/rig-runner.js';
import { readStoredLog } from '../../support/stored-log.js';
import { isSpoiltByMachine } from '../demo/demo-run.js';

const VALVE = path.join(ROOT, 'hardware', 'rigs', 'valve');
const KILLS = Number(process.env['VOTEPLANE_LEADER_KILLS'] ?? 10);
/** Commands while the killed replica is away, and when it is back. */
const AWAY = 2;
const BACK = 2;
/** What a machine that has other things to do keeps; half a second is what is printed and aimed at. */
const MEDIAN_MS = 500;
const LONGEST_MS = 3_000;
const TIMEOUT_MS = 20_000;

/** One command and how long its answers took, from its sending. */
interface Given {
  readonly sequence: number;
  readonly firstMs: number;
  readonly endMs: number;
  readonly outcome: SubmitOutcome;
}

/** Gives commands under the numbers 1, 2, …; unless told otherwise each with another target near 1 m. */
class Giver {
  readonly given: Given[] = [];
  private sequence = 0;

  constructor(private readonly client: CommandClient) {}

  async give(command = 'set-target', value?: number | string): Promise<Given> {
    this.sequence += 1;
    const { sequence } = this;
    const values = [value ?? 0.95 + (sequence % 100) / 1_000];
    const sentUs = readMonotonicUs();
    let firstUs: number | null = null;
    const outcome = await this.client.submit({ sequence, command, values }, TIMEOUT_MS, ({ kind }) => {
      if (kind === 'chosen') firstUs ??= readMonotonicUs();
    });
    const endUs = readMonotonicUs();
    const one = {
      sequence,
      firstMs: ((firstUs ?? endUs) - sentUs) / 1_000,
      endMs: (endUs - sentUs) / 1_000,
      outcome,
    };
    this.given.push(one);
    return one;
  }

  async giveInARow(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) await this.give();
  }
}

/** `p50`, `p90` and the largest, ms. */
function summarise(ms: readonly number[]): {
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
} {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p90: at(0.9), max: at(1) };
}

function formatRow(name: string, ms: readonly number[]): string {
  const { p50, p90, max } = summarise(ms);
  const late = ms.filter((one) => one > 500).length;
  const [middle, high, most] = [p50, p90, max].map((one) => one.toFixed(0).padStart(6));
  return `  ${name.padEnd(46)} ${String(ms.length).padStart(4)}  ${middle}  ${high}  ${most}  ${String(late).padStart(5)}`;
}

test(
  `a leader that is killed ${KILLS} times costs no command and no level`,
  async () => {
    const rig = await RigRunner.prepare({ rigPath: VALVE, keptTicks: 400 });
    const { rig: loaded, digests } = await loadRig(VALVE);
    const { client, close } = await openCommandClient({
      rig: loaded,
      keys: rig.folder.keysOf('keeper'),
      addresses: rig.folder.addresses,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      rigDigest: digests.rig,
    });
    try {
      await rig.start();
      await rig.fly(5);
      const giver = new Giver(client);
      const killed: { readonly leader: string; readonly during: Given; readonly after: Given }[] = [];
      await giver.giveInARow(BACK);
      while (killed.length < KILLS) {
        const leader = client.readLeader();
        if (leader === null) {
          // Whoever answered last had not heard who leads for a moment.
          await giver.give();
          continue;
        }
        const during = giver.give();
        const death = rig.kill(leader);
        const after = giver.give();
        killed.push({ leader, during: await during, after: await after });
        await giver.giveInARow(AWAY);
        await death;
        await rig.start(leader);
        await rig.untilCommanding(leader);
        await giver.giveInARow(BACK);
      }
      const { given } = giver;
      const disturbed = new Set(killed.flatMap(({ during, after }) => [during, after]));
      const firsts = killed.map(({ after }) => after.firstMs);
      console.log(
        [
          `  ${'ms from sending the command'.padEnd(46)}    n     p50     p90     max  > 500`,
          formatRow('first answer, sent after the kill', firsts),
          formatRow(
            'in force, sent after the kill',
            killed.map(({ after }) => after.endMs),
          ),
          formatRow(
            'first answer, sent just before the kill',
            killed.map(({ during }) => during.firstMs),
          ),
          formatRow(
            'first answer, others',
            given.flatMap((one) => (disturbed.has(one) ? [] : [one.firstMs])),
          ),
          formatRow(
            'in force, others',
            given.flatMap((one) => (disturbed.has(one) ? [] : [one.endMs])),
          ),
          `  killed: ${killed.map(({ leader, after }) => `${leader} ${after.firstMs.toFixed(0)}`).join(', ')}`,
        ].join('\n'),
      );

      const countTold = (): number => rig.observer.figures().commands.done;
      await rig.until('replicas to tell of every command', () => countTold() >= given.length);
      rig.observer.end();
      await rig.until('the end of the flight', () => rig.observer.complete);
      const figures = rig.observer.figures();
      const shown = rig.trace();
      for (const { outcome, sequence } of given)
        expect(outcome, `command ${sequence}\n${shown}`).toMatchObject({
          kind: 'applied',
          outcome: { kind: 'done' },
        });
      const { commands, disagreements, unsafeOutputs, uncoveredTicks, plant } = figures;
      expect(unsafeOutputs, shown).toBe(0);
      // A machine that stands still makes two of three late: vectors may differ, the valve closes as promised, and the tank
      // runs dry. Who took a tick alone that the others could not take lives it again, and tells of its commands again.
      const isSpoilt = isSpoiltByMachine(figures);
      console.log(
        `  tank ${plant?.survived === true ? 'survived' : 'lost'}, farthest from 1 m by ${plant?.maxAbsError?.value ?? NaN} m${isSpoilt ? '; the machine was too slow at times' : ''}`,
      );
      if (!isSpoilt) {
        expect([disagreements, uncoveredTicks], shown).toEqual([0, 0]);
        expect(commands, shown).toEqual({ done: given.length, refused: 0, lapsed: 0 });
      }
      if (!isSpoilt || figures.failSafeTrips === 0) expect(plant?.survived, shown).toBe(true);

      // All at once: what operators have set outlives it.
      await giver.give('mode', 'manual');
      const replicas = loaded.replicas.map(({ id }) => id);
      await Promise.all(replicas.map((id) => rig.kill(id)));
      await rig.start(...replicas);
      expect((await giver.give('set-target', 1.2)).outcome).toMatchObject({
        kind: 'applied',
        outcome: { kind: 'refused', reason: expect.stringMatching(/in manual mode/) },
      });
      const told = await client.readLog(TIMEOUT_MS);
      if (told.kind !== 'log') throw new Error('the log was not answered');
      expect(told.entries.at(-2)).toMatchObject({
        sequence: given.length - 1,
        outcome: { kind: 'done' },
        asked: { command: 'mode', values: ['manual'] },
      });
      await rig.stop();

      const logs = await Promise.all(
        replicas.map((id) => readStoredLog(loaded, id, rig.folder.stateFolderOf(id))),
      );
      const longest = logs.reduce((most, log) => (log.length > most.length ? log : most));
      for (const log of logs) expect(log).toEqual(longest.slice(0, log.length));
      const done = longest.flatMap(({ slot, entry, executes }) =>
        entry.kind === 'command' && executes ? [{ slot, sequence: entry.request.sequence }] : [],
      );
      const answered = given.map(({ sequence, outcome }) => ({
        slot: outcome.kind === 'applied' ? outcome.slot : null,
        sequence,
      }));
      expect([...done].sort((a, b) => a.sequence - b.sequence)).toEqual(
        [...answered].sort((a, b) => a.sequence - b.sequence),
      );

      const { p50, max } = summarise(firsts);
      expect(p50).toBeLessThan(MEDIAN_MS);
      expect(max).toBeLessThan(LONGEST_MS);
    } finally {
      await close();
      await rig.close();
    }
  },
  60_000 + KILLS * 12_000,
);
