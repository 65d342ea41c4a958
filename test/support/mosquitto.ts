/** A Mosquitto for a test, where one is installed; VOTEPLANE_REQUIRE_MOSQUITTO=1 makes its absence a failure. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { eventually, freePort } from './mqtt-kit.js';

/** False where it is not installed, with the reason printed; throws where the environment requires it. */
export function findMosquitto(): boolean {
  const missing = ['mosquitto', 'mosquitto_sub', 'mosquitto_pub'].filter(
    (program) => spawnSync(program, ['--help'], { stdio: 'ignore' }).error !== undefined,
  );
  if (missing.length === 0) return true;
  const reason = `not installed: ${missing.join(', ')} (Debian: apt-get install mosquitto mosquitto-clients)`;
  if (process.env['VOTEPLANE_REQUIRE_MOSQUITTO'] === '1') {
    throw new Error(`VOTEPLANE_REQUIRE_MOSQUITTO=1, but ${reason}`);
  }
  console.log(`skipped: the tests with Mosquitto; ${reason}`);
  return false;
}

export interface Mosquitto {
  readonly url: string;
  readonly port: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startMosquitto(): Promise<Mosquitto> {
  const port = await freePort();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'voteplane-mosquitto-'));
  const file = path.join(folder, 'mosquitto.conf');
  writeFileSync(
    file,
    `listener ${String(port)} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\nlog_type error\n`,
  );
  let child: ChildProcess | null = null;
  const mosquitto: Mosquitto = {
    url: `mqtt://127.0.0.1:${String(port)}`,
    port,
    async kill() {
      const running = child;
      child = null;
      if (running === null) return;
      const left = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await left;
    },
    async start() {
      child = spawn('mosquitto', ['-c', file], { stdio: 'ignore' });
      let listens = false;
      const probe = setInterval(() => {
        const socket = net.connect({ host: '127.0.0.1', port });
        socket.on('error', () => undefined);
        socket.on('connect', () => {
          listens = true;
          socket.destroy();
        });
      }, 20);
      try {
        await eventually('mosquitto to listen', () => listens);
      } finally {
        clearInterval(probe);
      }
    },
    async stop() {
      await mosquitto.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await mosquitto.start();
  return mosquitto;
}
