/**
 * An inbox of a flying rig as strangers and observers see it, through mosquitto_sub: nothing without credentials, every
 * frame with the observer's, and any of these can be checked with another COSE library.
 */
import { readFileSync } from 'node:fs';
import { Mac0, MacAlgorithms } from '@auth0/cose';
import { afterEach, describe, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { HandProcess, runToEnd } from '../../support/hand-process.js';
import {
  readShownSession,
  traceFrames,
  traceHello,
  type CapturedDirection,
  type ShownSession,
} from '../../support/independent-session.js';
import { findMosquitto } from '../../support/mosquitto.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface CapturedFrame {
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/** mosquitto_sub at an inbox, one line `topic hex` for each message. */
function subscribe(address: string, more: readonly string[]): HandProcess {
  const [host, port] = address.split(':') as [string, string];
  const filter = ['-t', 'voteplane/pitch/a/#', '-F', '%t %x'];
  const sub = new HandProcess(['-h', host, '-p', port, '-k', '5', ...filter, ...more], {
    command: 'mosquitto_sub',
  });
  cleanUps.push(async () => {
    sub.kill('SIGKILL');
    await sub.ended;
  });
  return sub;
}

function readCapture(text: string): CapturedFrame[] {
  // The last line may be under way.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [topic, hex] = line.split(' ') as [string, string];
      return { topic, bytes: new Uint8Array(Buffer.from(hex, 'hex')) };
    });
}

describe.skipIf(!findMosquitto())('mosquitto_sub at the inbox of a', () => {
  test(
    'sees nothing without credentials; with the observer’s, frames that another COSE library verifies',
    FLIGHT,
    async () => {
      const rig = await RigRunner.prepare();
      cleanUps.push(() => rig.close());
      const { folder } = rig;
      const address = folder.addresses['inbox:a'] as string;
      await rig.start('a');
      const asked = await runToEnd([
        ...[ENTRY, 'keys', 'broker-password', `${ROOT}hardware/rigs/pitch`],
        ...['--id', 'watch', '--inbox', 'a', '--keys', folder.keyFileOf('watch')],
      ]);
      expect(asked.code, asked.stderr).toBe(0);
      const password = asked.stdout.trim();

      // Subscribed before its peers come, so that the hellos are seen.
      const observer = subscribe(address, ['-i', 'watch', '-u', 'watch', '-P', password]);
      const strangers = [
        subscribe(address, ['-i', 'nobody']),
        subscribe(address, ['-i', 'watch', '-u', 'watch', '-P', 'guessed']),
        subscribe(address, ['-i', 'someone', '-u', 'someone', '-P', password]),
        subscribe(address, ['-i', 'c', '-u', 'c', '-P', password]),
      ];
      await rig.start();
      await rig.fly(20);
      await observer.untilPrints(/voteplane\/pitch\/a\/b\/round/);
      for (const stranger of strangers) {
        stranger.kill('SIGTERM');
        const exit = await stranger.ended;
        expect(exit.stdout).toBe('');
        expect(exit.stderr).toMatch(/[Nn]ot authori[sz]ed|[Bb]ad user ?name or password/);
      }
      // Somebody who listens and is not meant to costs the rig nothing.
      expectUndisturbed(rig, await rig.land(), 20);
      observer.kill('SIGTERM');
      const captured = readCapture((await observer.ended).stdout);
      const from = (sender: string, purpose: string): readonly CapturedFrame[] =>
        captured.filter(({ topic }) => topic === `voteplane/pitch/a/${sender}/${purpose}`);
      for (const sender of ['b', 'c', 'd']) expect(from(sender, 'round').length).toBeGreaterThan(10);
      expect(from('elevator', 'status').length).toBeGreaterThan(5);

      const file = JSON.parse(readFileSync(folder.keyFileOf('a'), 'utf8')) as {
        rig: string;
        epoch: number;
        secrets: { rows: Record<string, string> };
      };
      const direction: CapturedDirection = {
        rigId: file.rig,
        keyEpoch: file.epoch,
        sender: 'b',
        receiver: 'a',
        pairSecret: Buffer.from(file.secrets.rows['b'] as string, 'hex'),
      };
      const verify = (
        bytes: Uint8Array,
        { key, externalAad }: ReturnType<typeof traceHello>,
      ): Promise<void> =>
        Mac0.decode(bytes).verify(key, { externalAAD: externalAad, algorithms: [MacAlgorithms.HS256] });

      const shown: ShownSession[] = [];
      for (const { bytes } of from('b', 'hello')) {
        await verify(bytes, traceHello(direction));
        const session = readShownSession(Mac0.decode(bytes).payload);
        if (session !== null) shown.push(session);
      }
      const session = shown.at(-1);
      if (session === undefined) throw new Error('no hello of b echoed a nonce of a');
      const keys = traceFrames(direction, 'round', session);
      const rounds = from('b', 'round').slice(-20);
      for (const { bytes } of rounds) {
        await verify(bytes, keys);
        for (const at of [3, Math.floor(bytes.length / 2), bytes.length - 1]) {
          await expect(
            verify(
              bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
              keys,
            ),
          ).rejects.toThrow();
        }
      }
      // Bound to sender, receiver, purpose and session, not to the key alone.
      const { bytes } = rounds[0] as CapturedFrame;
      const others = [
        traceFrames({ ...direction, sender: 'c' }, 'round', session),
        traceFrames({ ...direction, receiver: 'd' }, 'round', session),
        traceFrames(direction, 'state', session),
        traceFrames(direction, 'round', { ...session, receiverNonce: new Uint8Array(16) }),
        traceFrames(direction, 'round', { ...session, digests: [null, null, null] }),
      ];
      for (const { externalAad } of others)
        await expect(verify(bytes, { key: keys.key, externalAad })).rejects.toThrow();
    },
  );
});
