import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { planFault, resolveFaultTargets } from '../../src/faults/plan-fault.js';
import type { World } from '../../src/faults/row.js';
import { parseFault } from '../../src/faults/spec.js';
import { loadRig } from '../../src/rig/load-rig.js';
import type { Rig } from '../../src/rig/rig.js';
import { makeRig } from './support.js';

function resolve(text: string, rig: Rig = makeRig()): ReturnType<typeof resolveFaultTargets> {
  const parsed = parseFault(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.what}`);
  return resolveFaultTargets(parsed.spec, rig);
}

describe('who has to obey', () => {
  test.each([
    ['crash on c at 1', ['c']],
    ['lie on c.pitch at 1', ['c']],
    ['omit-send on a>c at 1', ['a']],
    ['omit-receive on a>c at 1', ['c']],
    ['omit-receive on elevator>c at 1', ['c']],
    ['delay on b>elevator at 1', ['b']],
    ['broker-kill on broker:d at 1', ['d']],
    ['broker-kill on d at 1', ['d']],
    ['collude on world replicas=a,c at 1', ['a', 'c']],
    ['collude on world at 1', ['c', 'd']],
    ['clear collude on world', ['a', 'b', 'c', 'd']],
    ['partition on world sets=a,b/c,d at 1', ['c', 'd']],
    ['partition on world at 1', ['d']],
    ['partition on world sets=a/b,c,d at 1', ['a']],
    ['partition on world sets=a/b/c,d at 1', ['a', 'b']],
    ['partition on world sets=a,elevator/b,c,d at 1', ['a', 'b', 'c', 'd']],
    ['clear partition on world', ['a', 'b', 'c', 'd']],
    ['clear lie on c', ['c']],
    ['actuator-stuck on elevator at 1', ['elevator']],
    ['bridge-hang on elevator at 1', ['elevator']],
    ['clear voter-restart on elevator', ['elevator']],
  ])('%s: %j', (text, obeying) => {
    expect(resolve(text)).toEqual({ ok: true, obeying });
  });
});

describe('refusals name the place and the cure', () => {
  test.each([
    ['lei on c at 1', "no fault 'lei'", 'voteplane faults'],
    ['sensor-stuc on c at 1', "no fault 'sensor-stuc'", 'sensor-stuck'],
    ['power-cut on c at 1', 'keeps no command log', 'a crash hypothesis'],
    ['ballot-regression on c at 1', 'keeps no command log', 'a crash hypothesis'],
    ['lie on e at 1', "no replica or actuator 'e'", 'a, b, c, d'],
    ['lie on c.yaw at 1', "no sensor 'yaw'", 'pitch, rate, gear'],
    ['lie on e.pitch at 1', "no replica 'e'", 'a, b, c, d'],
    ['omit-send on a>e at 1', "no replica or actuator 'e'", 'elevator'],
    ['omit-send on a>a at 1', 'to itself', 'a>c'],
    ['omit-send on elevator>a at 1', 'which is no replica', 'sender is a replica'],
    ['omit-receive on a>elevator at 1', 'which is no replica', 'receiver is a replica'],
    ['crash on elevator at 1', 'cannot strike the actuator elevator', 'a replica (c)'],
    ['crash on world at 1', 'cannot strike the world', 'a replica (c)'],
    ['crash on c.pitch at 1', 'cannot strike the channel c.pitch', 'a replica (c)'],
    ['collude on c at 1', 'cannot strike the replica c', 'world'],
    ['lie on c power=9 at 1', "no parameter 'power'", 'value, offset, of'],
    ['crash on c ms=9 at 1', "no parameter 'ms'", 'takes none'],
    ['pause on c ms=-1 at 1', 'ms=-1 cannot be', 'from 1 to 60000'],
    ['pause on c ms=1e9 at 1', 'ms=1e9 cannot be', 'from 1 to 60000'],
    ['pause on c ms=soon at 1', 'ms=soon cannot be', 'a number'],
    ['duplicate on c k=1.5 at 1', 'k=1.5 cannot be', 'a whole number'],
    ['lie on c value=abc at 1', 'value=abc cannot be', 'nan or overflow'],
    ['lie on c value=1 offset=1 at 1', 'both value and offset', 'keep one'],
    ['lie on c of=dreams at 1', 'of=dreams cannot be', 'samples'],
    ['equivocate on c values=1,b:2 at 1', 'values=1,b:2 cannot be', 'a:777,b:10777'],
    ['equivocate on c values=z:1 at 1', "values names 'z'", 'a, b, c, d'],
    ['omit-send on c peers=a,z at 1', "peers names 'z'", 'elevator'],
    ['omit-send on c peers=a,a at 1', 'peers=a,a cannot be', 'a list of'],
    ['partition on world sets=a,b/b,c at 1', 'sets=a,b/b,c cannot be', 'two or more sets'],
    ['partition on world sets=a,b at 1', 'sets=a,b cannot be', 'two or more sets'],
    ['collude on world replicas=a,b,c at 1', 'are a majority', 'at most 2'],
    ['forge on c as=c at 1', 'cannot forge itself', 'another'],
    ['forge on c as=a,b at 1', 'as names several', 'one replica'],
    ['replay on c age=50 at 1 for 50', '50 ticks old before it ends', 'longer than age'],
    ['crash-mid-round on c k=3 at 1', 'only 3 messages', 'k from 0 to 2'],
    ['crash-mid-round on c round=4 at 1', '2 rounds', 'from 1 to 2'],
    ['sensor-swap on c.gear at 1', 'no second sensor', 'with='],
    ['sensor-drift on c.gear at 1', 'cannot drift', 'sensor-stuck'],
  ])('%s', (text, what, cure) => {
    const refused = resolve(text);
    expect(refused.ok).toBe(false);
    if (refused.ok) return;
    expect(refused.what).toContain(what);
    expect(refused.cure).toContain(cure);
  });

  test('a rig that does not enable faults refuses all of them', () => {
    const refused = resolve('lie on c at 1', makeRig({ faultInjection: false }));
    expect(refused).toMatchObject({ ok: false, cure: expect.stringContaining('faults: enabled') });
  });

  test('nothing is relayed without a hypothesis', () => {
    const rig = makeRig({ hypothesis: { kind: 'none' } });
    expect(resolve('relay-lie on c at 1', rig)).toMatchObject({ ok: false });
    expect(resolve('equivocate on c at 1', rig)).toMatchObject({ ok: true });
  });

  test('an external broker is not the replica’s to kill', () => {
    const rig = makeRig();
    const replicas = rig.replicas.map((replica) => ({
      ...replica,
      inbox: { kind: 'external' as const, url: 'mqtt://127.0.0.1:1883' },
    }));
    expect(resolve('broker-kill on broker:c at 1', makeRig({ replicas }))).toMatchObject({
      ok: false,
      what: expect.stringContaining('not inside its process'),
    });
  });

  test('parameters come typed, with defaults', () => {
    const parsed = parseFault('delay on c jitter=2.5 at 1');
    const planned = parsed.ok ? planFault(parsed.spec, makeRig()) : null;
    expect(planned?.ok === true && planned.plan.parameters.number('jitter')).toBe(2.5);
    expect(planned?.ok === true && planned.plan.parameters.number('ms')).toBe(50);
  });
});

describe('a witness', async () => {
  const { rig } = await loadRig(path.resolve('hardware', 'rigs', 'valve-witness'));
  const plan = (text: string, world: World): unknown => {
    const parsed = parseFault(text);
    if (!parsed.ok) throw new Error(`${text}: ${parsed.what}`);
    const planned = resolveFaultTargets(parsed.spec, rig, world);
    return planned.ok ? planned.obeying : `${planned.what}; ${planned.cure}`;
  };

  test.each([
    ['crash on w at 1', ['w']],
    ['power-cut on w at 1', ['w']],
    ['clock-freeze on w at 1', ['w']],
    ['omit-send on w>a at 1', ['w']],
    ['omit-receive on b>w at 1', ['w']],
    ['delay on a>w at 1', ['a']],
    ['broker-kill on broker:w at 1', ['w']],
    ['partition on world sets=a,w/b at 1', ['b']],
    ['partition on world at 1', ['b']],
  ])('%s, in the simulator: %j', (text, obeying) => {
    expect(plan(text, 'simulator')).toEqual(obeying);
  });

  test('a live one is struck from outside alone', () => {
    expect(plan('crash on w at 1', 'live')).toEqual(['w']);
    expect(plan('restart on w at 1', 'live')).toEqual(['w']);
    for (const text of ['pause on w at 1', 'omit-send on w>a at 1', 'broker-kill on broker:w at 1'])
      expect(plan(text, 'live')).toMatch(
        /is for the witness 'w' to do, and a live one strikes itself with nothing; inject it in the simulator/,
      );
    expect(plan('delay on a>w at 1', 'live')).toEqual(['a']);
  });

  test.each([
    ['lie on w at 1', 'cannot strike the witness w; it takes a replica (c), a channel'],
    ['crash-mid-round on w at 1', 'cannot strike the witness w'],
    ['key-rotate on w at 1', 'cannot strike the witness w'],
    ['mutate on w>a at 1', "is for 'w' to do, which is no replica"],
    ['omit-send on w>valve at 1', "nothing goes from 'w' to 'valve'; a witness speaks with replicas: a, b"],
    ['crash on x at 1', 'its witness: w'],
    ['forge on a>b at 1', 'no replica but a and b whose name could be taken'],
  ])('%s is refused: %s', (text, words) => {
    expect(plan(text, 'simulator')).toContain(words);
  });

  test('a rig without one has none to strike', () => {
    expect(resolve('crash on w at 1')).toMatchObject({
      ok: false,
      what: expect.stringContaining("'w'") as string,
    });
  });
});
