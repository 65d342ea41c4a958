/** The machine that a bench ran on, as far as its figures depend on it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** More than this many runnable processes before anything is started, and the figures are somebody else's too. */
const IDLE_LOAD = 0.5;

export function describeMachine() {
  const cpus = os.cpus();
  const [load1] = os.loadavg();
  return {
    cores: cpus.length,
    model: cpus[0]?.model ?? 'unknown',
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    loadAverage: os.loadavg().map((load) => Number(load.toFixed(2))),
    isIdle: load1 <= IDLE_LOAD,
  };
}

export function listVersions() {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const mosquitto = spawnSync('mosquitto', ['-h'], { encoding: 'utf8' });
  return {
    voteplane: version,
    node: process.versions.node,
    v8: process.versions.v8,
    openssl: process.versions.openssl,
    mosquitto:
      mosquitto.error === undefined ? (/version (\S+)/.exec(mosquitto.stdout)?.[1] ?? 'unknown') : null,
  };
}
