/** A Mosquitto for a test, where one is installed; VOTEPLANE_REQUIRE_MOSQUITTO=1 makes its absence a failure. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './mqtt-kit.js';

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

/** Where it listens and runs, if not on any free port of this host. */
export interface MosquittoPlace {
  readonly host?: string;
  readonly port?: number;
  /** The command that puts it there, such as `ip netns exec NAME`. */
  readonly launcher?: readonly string[];
}

export async function startMosquitto(rules?: MosquittoRules, place: MosquittoPlace = {}): Promise<Mosquitto> {
  const { host = '127.0.0.1', launcher = [] } = place;
  const port = place.port ?? (await freePort());
  const folder = mkdtempSync(path.join(os.tmpdir(), 'voteplane-mosquitto-'));
  const file = path.join(folder, 'mosquitto.conf');
  writeFileSync(
    file,
    `user root\nlistener ${String(port)} ${host}\nset_tcp_nodelay true\npersistence false\n${LOG_RULES}${writeRules(folder, rules)}`,
  );
  let child: ChildProcess | null = null;
  const mosquitto: Mosquitto = {
    url: `mqtt://${host}:${String(port)}`,
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
      const [command = 'mosquitto', ...rest] = [...launcher, 'mosquitto', '-c', file];
      const started = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
      child = started;
      await untilListening(started);
    },
    async stop() {
      await mosquitto.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await mosquitto.start();
  return mosquitto;
}

/** It says that it runs as soon as it listens; nothing else is asked of its log. */
const LOG_RULES = 'log_dest stderr\nlog_type error\nlog_type information\nconnection_messages false\n';

/** Resolves when it listens; throws with what it said where it ends first. */
async function untilListening(child: ChildProcess): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`mosquitto ended before it listened: ${said}`)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < SAID_MAX) said += text;
      if (/ running$/m.test(said)) resolve();
    });
  });
}

const SAID_MAX = 10_000;

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
