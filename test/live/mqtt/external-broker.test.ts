/** Inboxes at brokers outside the process: Mosquitto, shared and one for each receiver, and a hostile one. */
import { spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createMqttTransport,
  type MqttTransport,
  type MqttTransportOptions,
} from '../../../src/mqtt/mqtt-transport.js';
import type { InboxPart } from '../../../src/rig/rig.js';
import { startHostileBroker, type HostileBroker } from '../../support/hostile-broker.js';
import { findMosquitto, startMosquitto, type Mosquitto } from '../../support/mosquitto.js';
import { eventually, freePort, nowUs, silentLog } from '../../support/mqtt-kit.js';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const ids = ['a', 'b', 'c'];
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

interface Party {
  readonly transport: MqttTransport;
  readonly got: string[];
}

async function openParties(
  inboxOf: (id: string) => InboxPart,
  more: Partial<MqttTransportOptions> = {},
): Promise<Record<string, Party>> {
  const parties: Record<string, Party> = {};
  for (const id of ids) {
    const others = ids.filter((other) => other !== id);
    const transport = await createMqttTransport({
      rigId: 'rig',
      self: id,
      inbox: inboxOf(id),
      externalPassword: `own-${id}`,
      peers: others.map((to) => ({ id: to, inbox: inboxOf(to), sendPassword: `${id}>${to}` })),
      acceptFrom: others.map((from) => ({ id: from, purposes: ['round'], password: `${from}>${id}` })),
      operators: [{ id: 'op', purposes: ['control'], password: '' }],
      nowUs,
      log: silentLog,
      ...more,
    });
    opened.push(() => transport.close());
    const got: string[] = [];
    transport.onFrame((from, purpose, frame) =>
      got.push(`${from} ${purpose} ${Buffer.from(frame).toString()}`),
    );
    parties[id] = { transport, got };
  }
  await allUp(parties);
  return parties;
}

async function allUp(parties: Record<string, Party>): Promise<void> {
  for (const [id, { transport }] of Object.entries(parties)) {
    for (const to of ids)
      if (to !== id) await eventually(`${id} up to ${to}`, () => transport.isUp(to), 15_000);
  }
}

async function exchange(parties: Record<string, Party>, text: string): Promise<void> {
  for (const from of ids)
    for (const to of ids) if (from !== to) parties[from]?.transport.send(to, 'round', bytes(text));
  for (const id of ids) {
    await eventually(`both frames at ${id}`, () => {
      const got = parties[id]?.got ?? [];
      return ids.every((from) => from === id || got.includes(`${from} round ${text}`));
    });
  }
}

const withMosquitto = findMosquitto() ? describe : describe.skip;

withMosquitto('Mosquitto', () => {
  async function broker(): Promise<Mosquitto> {
    const started = await startMosquitto();
    opened.push(() => started.stop());
    return started;
  }

  test('one shared by all: every frame once, none echoed, one connection for each process', async () => {
    const { url } = await broker();
    const parties = await openParties(() => ({ kind: 'external', url }));
    await exchange(parties, 'r1');
    for (const id of ids) {
      expect(parties[id]?.got).toHaveLength(2);
      expect(parties[id]?.transport.counters().inbox?.refused.topic).toBe(0);
      const counters = parties[id]?.transport.counters().links;
      expect([...(counters?.values() ?? [])].map(({ connects }) => connects)).toEqual([1, 1]);
    }
  });

  test('one for each receiver, and a rig that mixes them with an embedded inbox', async () => {
    const first = await broker();
    const second = await broker();
    const port = await freePort();
    const inboxes: Record<string, InboxPart> = {
      a: { kind: 'external', url: first.url },
      b: { kind: 'external', url: second.url },
      c: { kind: 'embedded', host: '127.0.0.1', port },
    };
    const parties = await openParties((id) => inboxes[id] ?? { kind: 'external', url: first.url });
    await exchange(parties, 'r1');
    await first.kill();
    await eventually('the way to a closed', () => parties['b']?.transport.isUp('a') === false);
    expect(parties['a']?.transport.isUp('b')).toBe(true);
    parties['a']?.transport.send('b', 'round', bytes('r2'));
    await eventually('a frame that needs no first broker', () => parties['b']?.got.includes('a round r2'));
  });

  test('killed and started again: everyone is back, and nothing old arrives', async () => {
    const mosquitto = await broker();
    const parties = await openParties(() => ({ kind: 'external', url: mosquitto.url }));
    await exchange(parties, 'before');
    await mosquitto.kill();
    await eventually('everyone down', () =>
      ids.every((id) => ids.every((to) => to === id || parties[id]?.transport.isUp(to) === false)),
    );
    for (const from of ids)
      for (const to of ids) if (from !== to) parties[from]?.transport.send(to, 'round', bytes('stale'));
    await mosquitto.start();
    await allUp(parties);
    await exchange(parties, 'after');
    for (const id of ids) expect(parties[id]?.got.filter((text) => text.endsWith('stale'))).toEqual([]);
  });

  test('retained and QoS 1 messages are refused; others that publish under a known name pass to the authenticator', async () => {
    const { port, url } = await broker();
    const parties = await openParties(() => ({ kind: 'external', url }));
    const topic = 'voteplane/rig/a/b/round';
    const publish = (...args: string[]): Promise<number | null> =>
      new Promise((resolve) => {
        spawn('mosquitto_pub', ['-p', String(port), '-t', topic, ...args], { stdio: 'ignore' }).on(
          'exit',
          resolve,
        );
      });
    expect(await publish('-m', 'kept', '-r')).toBe(0);
    expect(await publish('-m', 'plain')).toBe(0);
    await eventually(
      'the live copies',
      () => parties['a']?.got.filter((text) => text.startsWith('b round')).length === 2,
    );
    // A receiver that starts now is offered the retained one.
    const late: string[] = [];
    await parties['a']?.transport.close();
    const again = await createMqttTransport({
      rigId: 'rig',
      self: 'a',
      inbox: { kind: 'external', url },
      peers: [{ id: 'b', inbox: { kind: 'external', url }, sendPassword: '' }],
      acceptFrom: [{ id: 'b', purposes: ['round'], password: '' }],
      nowUs,
      log: silentLog,
    });
    opened.push(() => again.close());
    again.onFrame((_from, _purpose, frame) => late.push(Buffer.from(frame).toString()));
    await eventually('the refusal', () => (again.counters().links.get('b')?.refusedQuality ?? 0) === 1);
    parties['b']?.transport.send('a', 'round', bytes('live'));
    await eventually('the live frame', () => late.length > 0);
    expect(late).toEqual(['live']);
  });

  test('mosquitto_sub at an embedded inbox: nothing without credentials, the traffic with those of an observer', async () => {
    const ports = new Map<string, number>();
    for (const id of ids) ports.set(id, await freePort());
    const parties = await openParties(
      (id) => ({ kind: 'embedded', host: '127.0.0.1', port: ports.get(id) ?? 0 }),
      {
        observers: [{ id: 'eye', purposes: [], password: 'secret' }],
      },
    );
    const listen = (...args: string[]): { heard: () => string; ended: () => boolean } => {
      const child = spawn('mosquitto_sub', ['-p', String(ports.get('a')), '-v', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      opened.push(() => Promise.resolve(child.kill('SIGKILL')));
      let text = '';
      let over = false;
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.on('exit', () => (over = true));
      return { heard: () => text, ended: () => over };
    };
    const strangers = [
      listen('-t', '#'),
      listen('-t', 'voteplane/rig/a/#', '-i', 'eye', '-u', 'eye', '-P', 'guess'),
      listen('-t', 'voteplane/rig/a/#', '-i', 'b', '-u', 'b', '-P', 'b>a'),
    ];
    const observer = listen('-t', 'voteplane/rig/a/#', '-i', 'eye', '-u', 'eye', '-P', 'secret');
    await eventually('traffic at the observer', () => {
      parties['b']?.transport.send('a', 'round', bytes('hello'));
      return observer.heard().includes('voteplane/rig/a/b/round hello');
    });
    await eventually(
      'the refusals',
      () => (parties['a']?.transport.counters().inbox?.refused.credentials ?? 0) >= 2,
    );
    expect(strangers.map(({ heard }) => heard())).toEqual(['', '', '']);
    expect(observer.ended()).toBe(false);
  });
});

describe('a hostile broker', () => {
  async function hostile(port = 0): Promise<HostileBroker> {
    const broker = await startHostileBroker(port);
    opened.push(() => broker.stop());
    return broker;
  }

  test('forges, replays and duplicates: frames come under the names it gives them, and nowhere else', async () => {
    const broker = await hostile();
    const parties = await openParties(() => ({ kind: 'external', url: broker.url }));
    await exchange(parties, 'r1');
    expect(broker.captured).toHaveLength(6);
    const [first] = broker.captured;
    if (first === undefined) throw new Error('nothing captured');
    expect(first.topic).toBe('voteplane/rig/b/a/round');
    broker.replay(first, 3);
    broker.forge('voteplane/rig/b/c/round', bytes('forged'));
    broker.forge('voteplane/rig/b/c/round', bytes('kept'), { retain: true });
    broker.forge('voteplane/rig/b/c/round', bytes('one'), { qos: 1 });
    broker.forge('voteplane/rig/b/b/round', bytes('own name'));
    broker.forge('voteplane/rig/b/c/state', bytes('no such purpose'));
    await eventually('the forgeries', () => parties['b']?.got.includes('c round forged'));
    await exchange(parties, 'r2');
    const atB = parties['b']?.got ?? [];
    // What proves a frame is its authenticator, above this layer: here replays and forgeries still pass.
    expect(atB.filter((text) => text === 'a round r1')).toHaveLength(4);
    expect(atB.filter((text) => /own name|no such purpose/.test(text))).toEqual([]);
    broker.alter = ({ topic, payload }) =>
      topic.startsWith('voteplane/rig/b/')
        ? []
        : [
            { topic, payload },
            { topic, payload },
          ];
    parties['a']?.transport.send('b', 'round', bytes('swallowed'));
    parties['b']?.transport.send('a', 'round', bytes('doubled'));
    await eventually(
      'the double',
      () => parties['a']?.got.filter((text) => text === 'b round doubled').length === 2,
    );
    expect(parties['b']?.got).not.toContain('a round swallowed');
  });

  test('babbling under one name is dropped beyond its rate, the other senders are heard', async () => {
    const broker = await hostile();
    const limits = { packetsPerSecond: 200, packetBurst: 50 };
    const parties = await openParties(() => ({ kind: 'external', url: broker.url }), { limits });
    const inbox = (): Record<string, number> | undefined => parties['a']?.transport.counters().inbox?.refused;
    // Beyond c's rate of 200 a second, within twice that of all senders.
    const timer = setInterval(() => {
      for (let i = 0; i < 6; i += 1) broker.forge('voteplane/rig/a/c/round', bytes('babble'));
    }, 10);
    try {
      await eventually('drops', () => (inbox()?.['rate'] ?? 0) > 50);
      for (let i = 0; i < 20; i += 1) {
        parties['b']?.transport.send('a', 'round', bytes(`b${String(i)}`));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await eventually(
        'every frame of b',
        () => parties['a']?.got.filter((text) => text.startsWith('b round b')).length === 20,
      );
      expect(inbox()?.['flood']).toBe(0);
    } finally {
      clearInterval(timer);
    }
  });

  test('flooding cuts the connection for the penalty; when it stops, all is well again', async () => {
    const broker = await hostile();
    const limits = { packetsPerSecond: 200, packetBurst: 50, penaltyMs: 200 };
    const parties = await openParties(() => ({ kind: 'external', url: broker.url }), { limits });
    const stop = broker.babble('voteplane/rig/a/c/round', new Uint8Array(100), 20);
    await eventually(
      'two cuts',
      () => (parties['a']?.transport.counters().inbox?.refused.flood ?? 0) >= 2,
      20_000,
    );
    const heard = parties['a']?.got.length ?? 0;
    expect(heard).toBeLessThan(20_000);
    stop();
    await allUp(parties);
    await eventually('frames again', () => {
      parties['b']?.transport.send('a', 'round', bytes('calm'));
      return parties['a']?.got.includes('b round calm');
    });
  });

  test('a broker that goes is noticed, and found again when it is back', async () => {
    const broker = await hostile();
    const parties = await openParties(() => ({ kind: 'external', url: broker.url }));
    const { port } = broker;
    await broker.stop();
    opened.pop();
    await eventually('down', () => parties['a']?.transport.isUp('b') === false);
    await hostile(port);
    await allUp(parties);
    await exchange(parties, 'again');
  });
});
