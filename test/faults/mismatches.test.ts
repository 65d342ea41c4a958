import { describe, expect, test } from 'vitest';
import { FaultInjector, type FaultEvent } from '../../src/faults/injector.js';
import { configureAs } from '../../src/faults/mismatches.js';
import type { World } from '../../src/faults/row.js';
import type { HostControls } from '../../src/faults/wrapper.js';
import type { FrameHandler, Transport } from '../../src/ports.js';
import { PROTOCOL_VERSION } from '../../src/wire/derive-keys.js';
import { CODEC, makeBareInjector, makeRig, makeRound1, ManualClock } from './support.js';

const rig = makeRig();

/** Replica c on a host that starts it again, or a second time. */
function open(world: World = 'live'): {
  readonly injector: FaultInjector;
  readonly clock: ManualClock;
  readonly calls: string[];
  readonly events: FaultEvent[];
} {
  const clock = new ManualClock();
  const calls: string[] = [];
  const events: FaultEvent[] = [];
  const host: HostControls = {
    kill: () => {},
    stall: () => {},
    killBroker: () => {},
    restartAs: (mismatch) => calls.push(`as ${String(mismatch)}`),
    launchTwin: (peers) => {
      calls.push(`twin ${String(peers)}`);
      return () => calls.push('no twin');
    },
  };
  const injector = new FaultInjector({
    rig,
    self: 2,
    seed: 1,
    world,
    clock,
    host,
    ...CODEC,
    onEvent: (event) => events.push(event),
  });
  injector.onTick(0);
  return { injector, clock, calls, events };
}

describe('a replica that is started as one that does not fit', () => {
  test.each([
    ['config-mismatch on c at 1 for 5', 'as law'],
    ['config-mismatch on c of=rig at 1 for 5', 'as rig'],
    ['version-mismatch on c at 1 for 5', 'as version'],
  ])('%s', (fault, started) => {
    const { injector, clock, calls, events } = open();
    expect(injector.handle(fault)).toMatchObject({ ok: true });
    injector.onTick(1);
    expect(calls).toEqual([started]);
    // It is refused everywhere, so it knows no tick of the run any more.
    clock.advance(4 * rig.periodUs);
    expect(calls).toEqual([started]);
    clock.advance(rig.periodUs);
    expect(calls).toEqual([started, 'as null']);
    expect(events.map(({ event, tick }) => `${event} ${tick}`)).toEqual(['applied 1', 'cleared 6']);
  });

  test('can be cleared where operators still reach it, and needs an end where they do not', () => {
    const { injector, calls } = open();
    injector.handle('config-mismatch on c at 1');
    injector.onTick(1);
    expect(injector.handle('clear config-mismatch on c')).toMatchObject({ ok: true });
    expect(calls).toEqual(['as law', 'as null']);
    for (const fault of ['config-mismatch on c of=rig at 5', 'version-mismatch on c at 5']) {
      expect(injector.handle(fault)).toMatchObject({
        ok: false,
        what: expect.stringContaining('it refuses operators too'),
      });
    }
  });

  test('a host that cannot do it refuses by name', () => {
    expect(makeBareInjector().handle('version-mismatch on c at 1 for 5')).toMatchObject({
      ok: false,
      what: "'version-mismatch' needs a host that starts it as something else, which 'c' does not offer",
    });
  });

  test('differs in the one thing, and as it should be in none', () => {
    const digests = {
      rig: new Uint8Array(32).fill(1),
      law: new Uint8Array(32).fill(2),
      arithmetic: new Uint8Array(32).fill(3),
    };
    expect(configureAs(null, digests)).toEqual({ digests });
    expect(configureAs('version', digests)).toEqual({ digests, protocolVersion: PROTOCOL_VERSION + 1 });
    expect(configureAs('law', digests).digests).toEqual({ ...digests, law: new Uint8Array(32).fill(0xfd) });
    expect(configureAs('rig', digests).digests).toEqual({ ...digests, rig: new Uint8Array(32).fill(0xfe) });
  });

  test('its ports are wrapped anew: faults at work strike the new life, one transport has one handler', () => {
    const { injector } = open();
    const sent: string[] = [];
    const heard: string[] = [];
    let arrive: FrameHandler | null = null;
    const transport: Transport = {
      send: (to) => sent.push(to),
      onFrame: (handler) => {
        if (arrive !== null) throw new Error('a transport has one frame handler');
        arrive = handler;
      },
      onLink: () => {},
      close: () => Promise.resolve(),
    };
    const frame = new Uint8Array(4);
    injector.handle('omit-send on c peers=a at 1');
    injector.onTick(1);
    for (const life of ['first', 'second']) {
      const wrapped = injector.wrapTransport(transport);
      wrapped.onFrame((from) => heard.push(`${life} ${from}`));
      for (const to of ['a', 'b']) wrapped.send(to, 'round', frame);
      (arrive as FrameHandler | null)?.('d', 'round', frame, 0);
    }
    expect(sent).toEqual(['b', 'b']);
    expect(heard).toEqual(['first d', 'second d']);
    const said: number[] = [];
    injector.handle('mutate on c p=1 kinds=omit-message at 2');
    injector.onTick(2);
    injector.wrapPeers({ send: (to) => said.push(to) }).send(0, makeRound1());
    expect(said).toEqual([]);
  });
});

describe('twin', () => {
  test('is the simulator’s to launch, and its end', () => {
    const { injector, calls } = open('simulator');
    expect(injector.handle('twin on c peers=a at 1 for 3')).toMatchObject({ ok: true });
    injector.onTick(1);
    injector.onTick(4);
    expect(calls).toEqual(['twin a', 'no twin']);
  });

  test('live it is refused by name', () => {
    expect(open('live').injector.handle('twin on c at 1')).toEqual({
      ok: false,
      what: "the fault 'twin' cannot be injected into a rig that runs",
      cure: 'inject it in the simulator',
    });
  });
});
