/** Hosts made of network namespaces: reachable by cable alone, gone with whoever made them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { HandProcess } from '../../support/hand-process.js';
import { findNamespaces, HostNetwork, listNamespaces, sweepNamespaces } from '../../support/namespaces.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function open(...hosts: string[]): HostNetwork {
  const network = HostNetwork.open(hosts);
  cleanUps.push(() => network.close());
  return network;
}

/** A program of Node on a host. */
function runOn(network: HostNetwork, host: string, program: string): HandProcess {
  const [command, ...rest] = network.launcherOf(host);
  return new HandProcess([...rest, process.execPath, '-e', program], { command: command as string });
}

/** A server on `host` that says everything back, until the end of the test. */
async function echoOn(network: HostNetwork, host: string): Promise<HandProcess> {
  const server = runOn(
    network,
    host,
    `require('net').createServer((socket) => {
      console.log('from ' + socket.remoteAddress);
      socket.on('error', () => {}).pipe(socket);
    }).listen(7, () => console.log('up'));`,
  );
  cleanUps.push(async () => {
    server.kill('SIGKILL');
    await server.ended;
  });
  await server.untilPrints(/up/);
  return server;
}

/** Sends lines over one connection from `host`, one at each step; prints what comes back. */
const talkTo = (address: string): string => `
  const socket = require('net').connect({ host: '${address}', port: 7, noDelay: true });
  socket.on('connect', () => console.log('connected'));
  socket.on('data', (text) => console.log('heard ' + text));
  socket.on('error', (error) => { console.log(error.code); process.exit(1); });
  setInterval(() => socket.write('x'), 20);`;

describe.skipIf(!findNamespaces())('hosts', () => {
  test('reach each other by cable, and the machine does not reach them', async () => {
    const network = open('a', 'b', 'c');
    const server = await echoOn(network, 'b');
    const talker = runOn(network, 'a', talkTo(network.addressOf('b')));
    await talker.untilPrints(/heard/);
    talker.kill('SIGKILL');
    await talker.ended;
    // Whatever else of the machine's network may answer at this address, it is not this host.
    const stranger = net.connect({ host: network.addressOf('b'), port: 7, timeout: 300 });
    await new Promise<void>((resolve) => {
      stranger.once('connect', resolve).once('error', () => resolve());
      stranger.once('timeout', resolve);
    });
    stranger.destroy();
    const again = runOn(network, 'c', talkTo(network.addressOf('b')));
    await again.untilPrints(/heard/);
    again.kill('SIGKILL');
    await again.ended;
    const guests = ['a', 'c'].map((host) => `from ::ffff:${network.addressOf(host)}`);
    expect(server.stdout.match(/^from .*/gm)).toEqual(guests);
  });

  test('a pulled cable silences a host without a word to anyone; put back, the connection goes on', async () => {
    const network = open('a', 'b');
    await echoOn(network, 'b');
    const talker = runOn(network, 'a', talkTo(network.addressOf('b')));
    cleanUps.push(async () => {
      talker.kill('SIGKILL');
      await talker.ended;
    });
    await talker.untilPrints(/heard/);
    network.pullCable('b');
    const refused = runOn(
      network,
      'a',
      `${talkTo(network.addressOf('b'))} setTimeout(() => process.exit(3), 400)`,
    );
    const { code, stdout } = await refused.ended;
    expect([code, stdout]).toEqual([3, '']);
    const heard = talker.stdout.length;
    network.plugCable('b');
    await talker.untilPrints(new RegExp(`^[^]{${heard}}[^]*heard`));
  });

  test('two networks use the same addresses and know nothing of each other', async () => {
    const one = open('a', 'b');
    const other = open('a', 'b');
    expect(other.addressOf('a')).toBe(one.addressOf('a'));
    await echoOn(one, 'b');
    const { code, stdout } = await runOn(other, 'a', talkTo(other.addressOf('b'))).ended;
    expect([code, stdout.trim()]).toEqual([1, 'ECONNREFUSED']);
  });

  test('a process on a host has its own channel and process id', async () => {
    const network = open('a');
    const [command, ...rest] = network.launcherOf('a');
    const child = spawn(command as string, [...rest, process.execPath, '-e', 'process.send(process.pid)'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [pid] = (await once(child, 'message')) as [number];
    expect(pid).toBe(child.pid);
    await once(child, 'exit');
  });

  test('what a killed process leaves is swept away, and nothing of those that live', () => {
    const mine = open('a');
    const kept = listNamespaces();
    // A process id that no process has: one that has ended.
    const { pid } = spawnSync('true');
    const stale = [`voteplane-${pid}-1-0-a`, `voteplane-${process.pid}-1-0-a`];
    for (const name of [...stale, 'voteplane-of-somebody']) {
      expect(spawnSync('ip', ['netns', 'add', name]).status).toBe(0);
      cleanUps.push(() => void spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' }));
    }
    sweepNamespaces();
    const left = listNamespaces();
    expect(left).not.toEqual(expect.arrayContaining([stale[0]]));
    expect(left).not.toEqual(expect.arrayContaining([stale[1]]));
    expect(left).toEqual(expect.arrayContaining(['voteplane-of-somebody']));
    for (const host of ['a', 'switch']) {
      expect(
        left.filter((name) => name.startsWith(`voteplane-${process.pid}-`) && name.endsWith(host)),
      ).toHaveLength(1);
    }
    mine.close();
    expect(
      kept.filter((name) => listNamespaces().includes(name) && name.includes(`-${process.pid}-`)),
    ).toEqual([]);
  });

  test('what cannot be made leaves nothing; a host that is not there is named', () => {
    const before = listNamespaces();
    expect(() => HostNetwork.open(['a', 'no/where'])).toThrow(/no\/where/);
    expect(listNamespaces()).toEqual(before);
    expect(() => open('a').addressOf('z')).toThrow(/there is no host "z"; there are a/);
  });
});
