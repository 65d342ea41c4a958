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

/** Whom it lets in, and what they may do; without it anybody anything. */
export interface MosquittoRules {
  readonly passwords: ReadonlyMap<string, string>;
  /** Lines of an ACL file. */
  readonly acl: readonly string[];
}

export async function startMosquitto(rules?: MosquittoRules, atPort?: number): Promise<Mosquitto> {
  const port = atPort ?? (await freePort());
  const folder = mkdtempSync(path.join(os.tmpdir(), 'voteplane-mosquitto-'));
  const file = path.join(folder, 'mosquitto.conf');
  writeFileSync(
    file,
    `user root\nlistener ${String(port)} 127.0.0.1\nset_tcp_nodelay true\npersistence false\nlog_type error\n${writeRules(folder, rules)}`,
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

/** The part of the configuration that says who may what. */
function writeRules(folder: string, rules: MosquittoRules | undefined): string {
  if (rules === undefined) return 'allow_anonymous true\n';
  const passwordFile = path.join(folder, 'passwords');
  const aclFile = path.join(folder, 'acl');
  const lines = [...rules.passwords].map(([user, password]) => `${user}:${password}\n`);
  writeFileSync(passwordFile, lines.join(''), { mode: 0o600 });
  const hashed = spawnSync('mosquitto_passwd', ['-U', passwordFile], { encoding: 'utf8' });
  if (hashed.status !== 0) throw new Error(`mosquitto_passwd: ${hashed.stderr}`);
  writeFileSync(aclFile, `${rules.acl.join('\n')}\n`, { mode: 0o600 });
  return `allow_anonymous false\npassword_file ${passwordFile}\nacl_file ${aclFile}\n`;
}
