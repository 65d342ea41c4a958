/**
 * Flies a rig without faults and measures it: the processes are those of `voteplane demo`, started by the same
 * supervisor with the same flags, and the figures are what they tell themselves. Every process of a host reads the
 * same monotonic clock, so instants of different processes compare.
 */
import { fileURLToPath } from 'node:url';
import { prepareFlightFolder } from '../../dist/src/demo/flight-folder.js';
import { Supervisor } from '../../dist/src/demo/supervisor.js';
import { SMALL_BOARD_V8_FLAGS } from '../../dist/src/process/v8-flags.js';
import { loadRig } from '../../dist/src/rig/load-rig.js';
import { TickGrid } from '../../dist/src/rig/tick-grid.js';
import { median, quantiles, round } from './figures.mjs';

const defaultEntry = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** From the last process ready to the arming of every actuator. */
const armLimitMs = 15_000;

/**
 * Flies `rigPath` for `warmupMs` after its actuators are armed, then for `flyMs`, and returns the figures of the
 * latter: { ticks, output: {p50,p99,max} (first round-1 publish of any replica → frame to the bridge, µs), agreement
 * (own first send → own vector, µs), spread (first → last replica to send, µs), start (how late replicas speak in a tick),
 * outputs (share of ticks with an output of every actuator), late (share of ticks without an output in time or
 * without the vector at some replica), replica: { cpuPercent, rssMiB }, alive }. `replicaFlags` are added to the
 * flags of replicas.
 */
export async function fly(
  rigPath,
  { warmupMs = 2000, flyMs = 4000, entry = defaultEntry, replicaFlags = [] } = {},
) {
  const { rig } = await loadRig(rigPath);
  const folder = await prepareFlightFolder(rig);
  const log = new FlightLog(rig);
  let died = null;
  const supervisor = new Supervisor({
    plans: planProcesses(rig, rigPath, folder, replicaFlags),
    entry,
    onTelemetry: (message) => log.note(message),
    onDeath: (exit) => {
      died ??= exit;
    },
  });
  try {
    await supervisor.start();
    await log.armed(armLimitMs);
    await sleep(warmupMs);
    log.begin();
    await sleep(flyMs);
    log.end();
  } finally {
    await supervisor.stop();
    await folder.remove();
  }
  if (died !== null) throw new Error(`${died.id} died in flight: ${died.lastWords.join('\n')}`);
  return log.evaluate();
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The processes of a flight: plant, actuators and replicas, keyed and addressed by `folder`. */
export function planProcesses(rig, rigPath, folder, replicaFlags = []) {
  const common = ['--addresses', folder.addressesFile, '--log-level', 'error'];
  const keyed = (id) => [rigPath, '--id', id, '--keys', folder.keyFileOf(id), ...common];
  return [
    { id: 'plant', nodeFlags: [], args: ['plant', rigPath, ...common] },
    ...rig.actuators.map(({ id }) => ({
      id,
      nodeFlags: SMALL_BOARD_V8_FLAGS,
      args: ['actuator', ...keyed(id)],
    })),
    ...rig.replicas.map(({ id }) => ({
      id,
      nodeFlags: [...SMALL_BOARD_V8_FLAGS, ...replicaFlags],
      args: ['replica', ...keyed(id), '--state', folder.stateFolderOf(id)],
    })),
  ];
}

/** What the processes told, by tick. */
class FlightLog {
  #rig;
  #ticks = new Map();
  #stats = new Map();
  #armedActuators = new Set();
  #onArmed = () => {};
  #recording = false;
  #firstTick = null;
  #endTick = null;

  /** Where the rig's ticks lie on the clock that the processes share. */
  #grid;

  constructor(rig) {
    this.#rig = rig;
    this.#grid = new TickGrid(rig.periodUs);
  }

  note(message) {
    if (message.kind === 'voter') {
      for (const record of message.records) {
        if (record.kind === 'armed') this.#armedActuators.add(message.id);
        if (record.kind === 'output') this.#at(record.tick).outputs.push(record.atUs);
      }
      if (this.#armedActuators.size === this.#rig.actuators.length) this.#onArmed();
    } else if (message.kind === 'ticks') {
      for (const record of message.records) {
        // What a replica counts before it knows the ticks of the others is nobody else's.
        if (record.clockOffsetUs === null) continue;
        if (record.firstSendUs !== null) this.#grid.note(record.tick, record.firstSendUs);
        this.#at(record.tick).accounts.push(record);
      }
    } else if (message.kind === 'stats' && this.#recording) {
      const stats = this.#stats.get(message.id) ?? [];
      stats.push(message);
      this.#stats.set(message.id, stats);
    }
  }

  armed(limitMs) {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`${this.#rig.id}: no actuator was armed within ${limitMs / 1000} s`)),
        limitMs,
      );
      this.#onArmed = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  begin() {
    this.#firstTick = this.#tickNow() + 1;
    this.#recording = true;
  }

  end() {
    this.#endTick = this.#tickNow() - 1;
    this.#recording = false;
  }

  evaluate() {
    const output = [];
    const agreement = [];
    const spread = [];
    const start = [];
    let complete = 0;
    let late = 0;
    const { replicas, actuators, periodUs } = this.#rig;
    for (let tick = this.#firstTick; tick < this.#endTick; tick += 1) {
      const { outputs, accounts } = this.#ticks.get(tick) ?? { outputs: [], accounts: [] };
      const sends = accounts.flatMap(({ firstSendUs }) => firstSendUs ?? []);
      const firstUs = Math.min(...sends);
      const isComplete = outputs.length === actuators.length;
      const agreed = accounts.filter(({ agreedUs, overrun }) => agreedUs !== null && overrun === null);
      if (isComplete) {
        complete += 1;
        output.push(Math.max(...outputs) - firstUs);
      }
      const inTime = isComplete && Math.max(...outputs) < this.#grid.originUs + (tick + 1) * periodUs;
      if (!inTime || agreed.length < replicas.length) late += 1;
      for (const { agreedUs, firstSendUs } of agreed) {
        if (firstSendUs !== null) agreement.push(agreedUs - firstSendUs);
      }
      if (sends.length === replicas.length) spread.push(Math.max(...sends) - firstUs);
      for (const { startLatenessUs } of accounts) start.push(startLatenessUs);
    }
    const ticks = this.#endTick - this.#firstTick;
    return {
      ticks,
      output: quantiles(output),
      agreement: quantiles(agreement),
      spread: quantiles(spread),
      start: quantiles(start),
      outputs: complete / ticks,
      late: late / ticks,
      replica: this.#usageOf(replicas),
      actuator: this.#usageOf(actuators),
    };
  }

  /** Of the processes of one kind: the median of their processor's share, the largest memory. */
  #usageOf(parts) {
    const stats = parts.flatMap(({ id }) => this.#stats.get(id) ?? []);
    if (stats.length === 0) return { cpuPercent: null, rssMiB: null };
    return {
      cpuPercent: round(median(stats.map(({ cpuPercent }) => cpuPercent)), 2),
      rssMiB: round(Math.max(...stats.map(({ rssMiB }) => rssMiB))),
    };
  }

  #tickNow() {
    return this.#grid.tickAt(Number(process.hrtime.bigint() / 1000n)) ?? 0;
  }

  #at(tick) {
    let entry = this.#ticks.get(tick);
    if (entry === undefined) {
      entry = { outputs: [], accounts: [] };
      this.#ticks.set(tick, entry);
    }
    return entry;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [rigPath, seconds = '5'] = process.argv.slice(2);
  console.log(JSON.stringify(await fly(rigPath, { flyMs: Number(seconds) * 1000 }), null, 1));
}
