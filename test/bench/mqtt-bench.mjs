/**
 * The raw all-to-all exchange: n processes, each sends one message to every other at the same instant.
 * `exchange`: first send → last arrival anywhere; `message`: one send → its arrival; `spread`: first → last process
 * to begin, which the scheduler of the machine decides. CPU for each message counts sender and receiver, beyond
 * what the same processes use when they send nothing.
 *
 * As a module: `runExchange({ n, stack, size, rounds, periodMs, clock })`. As a program, after `npx tsc -b`:
 *   node test/bench/mqtt-bench.mjs [--n 3,4,7] [--stacks inbox,mosquitto,plain,tcp] [--rounds 400] [--period 20] [--repeat 1] [--json FILE]
 */
import { fork, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.mjs';

const workerPath = fileURLToPath(new URL('./mqtt-worker.mjs', import.meta.url));
const nowUs = () => Number(process.hrtime.bigint() / 1000n);

/**
 * Runs one exchange series. `stack`: inbox, mosquitto (the inbox stack over one shared Mosquitto), plain or tcp.
 * Returns µs figures { exchange, message, spread: {p50, p99, max} }, cpuPerMessageUs, rssMiB, complete (share of
 * exchanges in which every message arrived). `execArgv` goes to the processes. `clock`: `spin` begins by this
 * program's own timer; `replica` by the very clock that replicas tick on, on the same grid of whole periods.
 * `cpu: false` leaves the two series out that measure the processor's time.
 */
export async function runExchange({
  n,
  stack = 'inbox',
  size = 200,
  rounds = 400,
  periodMs = 20,
  execArgv = [],
  clock = 'spin',
  warmup = 100,
  cpu = true,
}) {
  const broker = stack === 'mosquitto' ? await startMosquitto() : null;
  const ports = await freePorts(n);
  const workers = [];
  try {
    for (let i = 0; i < n; i += 1) workers.push(new Worker(execArgv));
    const start = {
      kind: 'start',
      stack: broker === null ? stack : 'inbox',
      n,
      ports,
      size,
      brokerUrl: broker?.url ?? null,
    };
    await Promise.all(workers.map((worker, self) => worker.ask({ ...start, self })));
    await Promise.all(workers.map((worker) => worker.ask({ kind: 'ready' })));
    const periodUs = periodMs * 1000;
    const exchange = async (count, { quiet, pace }) => {
      const startUs = Math.ceil((nowUs() + 100_000) / periodUs) * periodUs;
      const order = {
        kind: 'exchange',
        n,
        rounds: count,
        startUs,
        periodUs,
        size,
        quiet,
        pace,
      };
      return Promise.all(workers.map((worker, self) => worker.ask({ ...order, self })));
    };
    if (warmup > 0) await exchange(warmup, { quiet: false, pace: clock });
    const answers = await exchange(rounds, { quiet: false, pace: clock });
    let extraCpuUs = NaN;
    if (cpu) {
      const idle = await exchange(rounds, { quiet: true, pace: 'timer' });
      const busy = await exchange(rounds, { quiet: false, pace: 'timer' });
      extraCpuUs = sumCpuUs(busy) - sumCpuUs(idle);
    }
    await Promise.all(workers.map((worker) => worker.stop()));
    return evaluate(n, rounds, answers, extraCpuUs);
  } finally {
    for (const worker of workers) worker.kill();
    broker?.stop();
  }
}

const sumCpuUs = (answers) => answers.reduce((sum, { cpuUs }) => sum + cpuUs, 0);

function evaluate(n, rounds, answers, extraCpuUs) {
  const exchanges = [];
  const messages = [];
  const spreads = [];
  let complete = 0;
  for (let round = 0; round < rounds; round += 1) {
    let first = Infinity;
    let lastStart = 0;
    let last = 0;
    let missing = 0;
    for (let from = 0; from < n; from += 1) {
      let began = Infinity;
      for (let to = 0; to < n; to += 1) {
        if (from === to) continue;
        const sent = answers[from].sends[round * n + to];
        const arrived = answers[to].arrivals[round * n + from];
        began = Math.min(began, sent);
        if (arrived === 0) missing += 1;
        else messages.push(arrived - sent);
        last = Math.max(last, arrived);
      }
      first = Math.min(first, began);
      lastStart = Math.max(lastStart, began);
    }
    spreads.push(lastStart - first);
    if (missing > 0) continue;
    complete += 1;
    exchanges.push(last - first);
  }
  return {
    exchange: quantiles(exchanges),
    message: quantiles(messages),
    spread: quantiles(spreads),
    cpuPerMessageUs: Number.isNaN(extraCpuUs) ? null : round1(extraCpuUs / (rounds * n * (n - 1))),
    rssMiB: round1(Math.max(...answers.map(({ rssMiB }) => rssMiB))),
    complete: complete / rounds,
  };
}

function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? null };
}

const round1 = (value) => Math.round(value * 10) / 10;

class Worker {
  #child;
  #waiting = null;
  constructor(execArgv) {
    this.#child = fork(workerPath, { execArgv, serialization: 'advanced' });
    this.#child.on('message', (answer) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      if (answer.kind === 'failed') waiting?.reject(new Error(answer.text));
      else waiting?.resolve(answer);
    });
    this.#child.on('exit', (code) => {
      this.#waiting?.reject(new Error(`a bench process ended with code ${code}`));
      this.#waiting = null;
    });
  }
  ask(order) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send(order);
    });
  }
  /** Lets the process leave by itself, so that `--cpu-prof` among its flags writes its file. */
  async stop() {
    const left = new Promise((resolve) => this.#child.once('exit', resolve));
    await this.ask({ kind: 'stop' });
    await left;
  }
  kill() {
    this.#child.kill('SIGKILL');
  }
}

/** True where a Mosquitto is installed. */
export function hasMosquitto() {
  return spawnSync('mosquitto', ['-h'], { stdio: 'ignore' }).error === undefined;
}

/** One Mosquitto of its own on a free port, without passwords and with TCP_NODELAY; returns { url, stop() }. */
export async function startMosquitto() {
  const [port] = await freePorts(1);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'voteplane-bench-'));
  const file = path.join(folder, 'mosquitto.conf');
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\nlog_type none\n`,
  );
  const child = spawn('mosquitto', ['-c', file], { stdio: 'ignore' });
  await connectable(port);
  return {
    url: `mqtt://127.0.0.1:${port}`,
    stop() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function connectable(port) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const ok = await new Promise((resolve) => {
      const socket = net.connect({ host: '127.0.0.1', port });
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`mosquitto does not listen on port ${port}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, fallback) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : process.argv[at + 1];
  };
  const results = [];
  for (let run = 0; run < Number(option('repeat', '1')); run += 1) {
    for (const n of option('n', '3,4,7').split(',').map(Number)) {
      for (const stack of option('stacks', 'inbox,mosquitto,plain,tcp').split(',')) {
        if (stack === 'mosquitto' && !hasMosquitto()) {
          console.log('mosquitto is not installed: its rows are left out');
          continue;
        }
        const result = await runExchange({
          n,
          stack,
          rounds: Number(option('rounds', '400')),
          periodMs: Number(option('period', n === 7 ? '50' : '20')),
          size: Number(option('size', '200')),
        });
        results.push({ n, stack, ...result });
        const show = ({ p50, p99 }) => `${String(p50).padStart(6)} ${String(p99).padStart(7)}`;
        console.log(
          `n=${n} ${stack.padEnd(9)} exchange ${show(result.exchange)}  message ${show(result.message)}  spread ${show(result.spread)}` +
            `  cpu/message ${result.cpuPerMessageUs}  rss ${result.rssMiB} MiB  complete ${(100 * result.complete).toFixed(1)} %`,
        );
      }
    }
  }
  const file = option('json', null);
  if (file !== null) writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}
