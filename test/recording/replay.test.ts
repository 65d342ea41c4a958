/** A recorded rig, run again: the same where nothing was touched, a difference at its place where something was. */
import { beforeAll, describe, expect, test } from 'vitest';
import { listFaults } from '../../src/faults/catalogue.js';
import { isOfLog } from '../../src/faults/traits.js';
import type { FaultRow, TargetKind } from '../../src/faults/row.js';
import type { Purpose } from '../../src/ports.js';
import { FrameLedger, type LedgerFindings } from '../../src/recording/frame-ledger.js';
import { isPortEvent, type PortCall } from '../../src/recording/port-call.js';
import type { ReplayOutcome } from '../../src/recording/port-replayer.js';
import { MemoryRig, type MemoryLife } from './memory-rig.js';

let rig: MemoryRig;

beforeAll(async () => {
  rig = await MemoryRig.load();
  rig.pass(1_000_000);
  rig.order('equivocate on c at 20 for 30');
  rig.order('pause on b ms=120 at 25');
  rig.order('sensor-noise on b.pitch at 30 for 20');
  rig.order('crash on d at 40');
  rig.order('delay on a>b ms=3 jitter=2.5 at 10 for 30');
  rig.pass(6_000_000);
  await rig.stop();
});

function lifeOf(id: string): MemoryLife {
  const life = rig.lives.find((one) => one.id === id);
  if (life === undefined) throw new Error(`${id} has not lived`);
  return life;
}

/** The calls with one of them, the first that `picks`, altered. */
function alter(
  calls: readonly PortCall[],
  picks: (call: PortCall) => boolean,
  change: (call: PortCall) => readonly PortCall[],
): { readonly calls: readonly PortCall[]; readonly at: number } {
  const at = calls.findIndex(picks);
  const call = calls[at];
  if (call === undefined) throw new Error('there is no such call');
  return { calls: [...calls.slice(0, at), ...change(call), ...calls.slice(at + 1)], at };
}

/** Every life, some of them with other calls than were recorded, and what they make of each other's frames. */
async function replayAll(altered: ReadonlyMap<MemoryLife, readonly PortCall[]> = new Map()): Promise<{
  readonly found: LedgerFindings;
  readonly outcomes: readonly ReplayOutcome[];
}> {
  const ledger = new FrameLedger();
  const outcomes: ReplayOutcome[] = [];
  for (const life of rig.lives) {
    const outcome = await rig.replay(life, {
      calls: altered.get(life) ?? life.log.calls,
      watch: {
        onSent: (sender, to, purpose, frame) => ledger.noteSent(sender, to, purpose, frame),
        onReceived: (from, purpose, frame, arrivedUs) =>
          ledger.noteReceived(from, life.id, purpose, frame, arrivedUs),
      },
    });
    outcomes.push(outcome);
  }
  return { found: ledger.check(new Set(rig.lives.map(({ id }) => id))), outcomes };
}

function flipByte(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
}

describe('an untouched recording', () => {
  test('had its faults accepted', async () => {
    for (const answer of await Promise.all(rig.answers)) expect(answer).toMatchObject({ ok: true });
  });

  test('is lived again, call by call, by every process in every life', async () => {
    expect(rig.lives.map(({ id }) => id)).toEqual(['elevator', 'a', 'b', 'c', 'd', 'd']);
    const ends = new Map<string, string[]>();
    for (const life of rig.lives) {
      const outcome = await rig.replay(life);
      expect(outcome.difference, life.id).toBeNull();
      expect(outcome.calls).toBe(life.log.calls.length);
      ends.set(life.id, [...(ends.get(life.id) ?? []), outcome.end]);
      const { compared } = outcome;
      if (life.kind === 'actuator') expect(compared.outputs).toBeGreaterThan(80);
      else expect(Math.min(compared.ticks, compared.vectors, compared.commands)).toBeGreaterThan(20);
      expect(compared.framesSent).toBeGreaterThan(100);
      expect(outcome.framesReceived).toBeGreaterThan(100);
    }
    expect(Object.fromEntries(ends)).toEqual({
      elevator: ['stopped'],
      a: ['stopped'],
      b: ['stopped'],
      c: ['stopped'],
      d: ['killed', 'stopped'],
    });
  });

  test('has no frame that its sender did not send', async () => {
    const { found } = await replayAll();
    expect(found).toMatchObject({ unsent: 0, beyondLog: 0, firstUnsent: null });
    expect(found.matched).toBeGreaterThan(3_000);
    // Hellos and orders of the operator.
    expect(found.fromOutside).toBeGreaterThan(4);
    expect(found.received).toBe(found.matched + found.fromOutside);
  });

  test('may end anywhere: the life is lived as far as it is known', async () => {
    const { calls } = lifeOf('a').log;
    for (const length of [0, 1, 5, 400, 401, 402, 403, 404, 405, calls.length - 1]) {
      const outcome = await rig.replay(lifeOf('a'), { calls: calls.slice(0, length) });
      expect(outcome, `cut at ${length}`).toMatchObject({ end: 'cut', difference: null, calls: length });
    }
  });
});

describe('what was altered shows', () => {
  /** The life of a with a byte of a frame altered, well into the run. */
  function alterFrame(
    from: string,
    purpose: Purpose,
  ): { readonly calls: readonly PortCall[]; readonly at: number } {
    const { calls } = lifeOf('a').log;
    const start = calls.findIndex((call) => call.kind === 'tick' && call.text.includes('"running"'));
    return alter(
      calls,
      (call) =>
        call.kind === 'frame' &&
        call.purpose === purpose &&
        call.from === from &&
        calls.indexOf(call) > start,
      (call) => [call.kind === 'frame' ? { ...call, frame: flipByte(call.frame, 40) } : call],
    );
  }

  test('a byte of a frame that decides something', async () => {
    const { calls, at } = alterFrame('b', 'round');
    const { difference } = await rig.replay(lifeOf('a'), { calls });
    expect(difference?.call).toBeGreaterThan(at + 1);
    expect(difference?.call).toBeLessThan(at + 400);
  });

  test('a byte of a frame that decides nothing: nobody has sent it', async () => {
    const { calls } = alterFrame('elevator', 'status');
    const { found, outcomes } = await replayAll(new Map([[lifeOf('a'), calls]]));
    expect(outcomes.map(({ difference }) => difference)).toEqual(outcomes.map(() => null));
    expect(found).toMatchObject({
      unsent: 1,
      firstUnsent: { from: 'elevator', to: 'a', purpose: 'status' },
    });
  });

  test('a vector in a record, field by field', async () => {
    const life = lifeOf('c');
    const { calls, at } = alter(
      life.log.calls,
      (call) => call.kind === 'tick' && !call.text.includes('"vector":null'),
      (call) => [
        call.kind === 'tick' ? { ...call, text: call.text.replace('"vector":"', '"vector":"00') } : call,
      ],
    );
    const { difference } = await rig.replay(life, { calls });
    expect(difference?.call).toBe(at + 1);
    expect(difference?.expected).toMatch(/^tick \d+: vector "00[0-9a-f]+"$/);
    expect(difference?.got).toMatch(/^tick \d+: vector "[0-9a-f]+"$/);
  });

  test.each<[string, (call: PortCall) => boolean, (call: PortCall) => readonly PortCall[], RegExp]>([
    ['a sent frame', (call) => call.kind === 'sent', (call) => [{ ...call, crc: 1 } as PortCall], /CRC/],
    ['an output that is missing', (call) => call.kind === 'sent', () => [], /frame to/],
    [
      'a timer that was never set',
      (call) => call.kind === 'timer',
      (call) => [{ ...call, id: 9_999_999 } as PortCall],
      /no such timer/,
    ],
    [
      'a timer set for another time',
      (call) => call.kind === 'timer',
      (call) => [{ ...call, atUs: 5 } as PortCall],
      /timer \d+, set for/,
    ],
    ['a look at the clock too many', (call) => call.kind === 'now', (call) => [call, call], /./],
    [
      'entropy of another length',
      (call) => call.kind === 'entropy',
      () => [{ kind: 'entropy', bytes: new Uint8Array(3) }],
      /draw of/,
    ],
    ['an event too many', (call) => call.kind === 'timer', (call) => [call, call], /look at the clock/],
    [
      'an end too early',
      (call) => isPortEvent(call),
      (call) => [{ kind: 'stopped', nested: false }, call],
      /no end/,
    ],
  ])('%s', async (_, picks, change, got) => {
    const { calls, at } = alter(lifeOf('a').log.calls, picks, change);
    const { difference } = await rig.replay(lifeOf('a'), { calls });
    expect(difference?.call).toBeGreaterThan(at);
    expect(difference?.call).toBeLessThanOrEqual(at + 12);
    expect(difference?.got).toMatch(got);
  });

  test('another seed of the faults, at the first thing that it decides', async () => {
    const outcome = await rig.replay(lifeOf('c'), { seed: '8' });
    expect(outcome.difference?.afterTick).toBeGreaterThanOrEqual(18);
    expect(outcome.difference?.afterTick).toBeLessThan(51);
  });

  test('a process that throws where the recorded one went on', async () => {
    let frames = 0;
    const outcome = await rig.replay(lifeOf('b'), {
      wrap: (ports) => ({
        ...ports,
        transport: {
          ...ports.transport,
          onFrame: (handler) =>
            ports.transport.onFrame((...arrival) => {
              frames += 1;
              if (frames === 50) throw new Error('a bug');
              handler(...arrival);
            }),
        },
      }),
    });
    expect(outcome).toMatchObject({ end: 'threw', thrown: 'a bug' });
    expect(outcome.difference?.got).toBe('an error: a bug');
  });
});

test('every fault of the catalogue that a live rig can be struck with is lived again', async () => {
  const struck = await MemoryRig.load();
  struck.pass(1_500_000);
  const rows = listFaults().filter((row) => canStrikeLive(row));
  for (const { name, targets } of rows) {
    struck.order(`${name} on ${chooseTarget(targets)} at +2${name === 'restart' ? '' : ' for 8'}`);
    // Whoever has died joins again before the next one.
    struck.pass(DEADLY.has(name) ? 2_500_000 : 700_000);
  }
  struck.pass(3_000_000);
  await struck.stop();
  const refused = (await Promise.all(struck.answers)).filter(({ ok }) => !ok);
  expect(refused).toEqual([]);
  expect(rows.length).toBeGreaterThan(40);
  const applied = new Set<string>();
  for (const life of struck.lives) {
    const outcome = await struck.replay(life);
    expect(outcome.difference, `${life.id}, ${outcome.calls} calls`).toBeNull();
    for (const call of life.log.calls) {
      if (call.kind !== 'told' || !call.text.includes('"event":"applied"')) continue;
      applied.add((JSON.parse(call.text) as { readonly spec: string }).spec.split(' ')[0] ?? '');
    }
  }
  expect([...applied].sort()).toEqual(rows.map(({ name }) => name).sort());
});

const DEADLY = new Set(['crash', 'restart', 'crash-mid-round']);

/** This rig keeps no command log. */
function canStrikeLive({ name, implementation }: FaultRow): boolean {
  return implementation.worlds.includes('live') && !isOfLog(name);
}

/** A target of one of these kinds. */
function chooseTarget(kinds: readonly TargetKind[]): string {
  if (kinds.includes('replica')) return 'c';
  if (kinds.includes('channel')) return 'c.pitch';
  if (kinds.includes('actuator')) return 'elevator';
  return 'world';
}
