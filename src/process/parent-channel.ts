/**
 * The channel from a process of a rig to whoever started it: telemetry up, and notice of the parent's death. Records
 * are gathered and sent a few times a second, between ticks, so that watching costs the rounds nothing.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { Telemetry, TickRecord, VoterRecord } from './telemetry.js';

export interface ParentChannel {
  send(message: Telemetry): void;
  sendTick(record: TickRecord): void;
  sendVoter(record: VoterRecord): void;
  close(): void;
}

const FLUSH_MS = 100;
const STATS_MS = 1_000;
const STALL_RESOLUTION_MS = 20;
/** More than this waiting means that the parent does not read: the oldest go. */
const MAX_WAITING = 2_000;

/**
 * Opens the channel, or a silent one where the process was started by hand. `readRejected` counts what was not
 * accepted so far; `onOrphaned` is called when the parent is gone; `toMachineUs`, where its clock is not the machine's, makes
 * its times comparable with those of other processes.
 */
export function openParentChannel(
  id: string,
  readRejected: () => Record<string, number>,
  onOrphaned: () => void,
  toMachineUs: ((atUs: number) => number) | null = null,
): ParentChannel {
  if (process.send === undefined) {
    return { send: () => {}, sendTick: () => {}, sendVoter: () => {}, close: () => {} };
  }
  let ticks: TickRecord[] = [];
  let voter: VoterRecord[] = [];
  const send = (message: Telemetry): void => {
    // A parent that has just died shows as 'disconnect'; what was meant for it goes nowhere.
    if (process.connected) process.send?.(message, undefined, {}, () => {});
  };
  const flush = (): void => {
    if (ticks.length > 0) send({ kind: 'ticks', id, records: ticks });
    if (voter.length > 0) send({ kind: 'voter', id, records: voter });
    ticks = [];
    voter = [];
  };
  const stalls = monitorEventLoopDelay({ resolution: STALL_RESOLUTION_MS });
  stalls.enable();
  let usage = process.cpuUsage();
  let usageAt = process.hrtime.bigint();
  const sendStats = (): void => {
    const spent = process.cpuUsage(usage);
    const now = process.hrtime.bigint();
    const elapsedUs = Number(now - usageAt) / 1_000;
    usage = process.cpuUsage();
    usageAt = now;
    send({
      kind: 'stats',
      id,
      rssMiB: process.memoryUsage.rss() / 2 ** 20,
      cpuPercent: (100 * (spent.user + spent.system)) / elapsedUs,
      maxStallMs: readMaxStallMs(stalls),
      rejected: readRejected(),
    });
    stalls.reset();
  };
  const flushTimer = setInterval(flush, FLUSH_MS);
  const statsTimer = setInterval(sendStats, STATS_MS);
  const orphaned = (): void => onOrphaned();
  process.once('disconnect', orphaned);
  return {
    send: (message) =>
      send(
        toMachineUs === null || message.kind !== 'event'
          ? message
          : { ...message, atUs: toMachineUs(message.atUs) },
      ),
    sendTick: (record) => {
      ticks.push(toMachineUs === null ? record : translateTick(record, toMachineUs));
      if (ticks.length > MAX_WAITING) ticks.shift();
    },
    sendVoter: (record) => {
      voter.push(toMachineUs === null ? record : { ...record, atUs: toMachineUs(record.atUs) });
      if (voter.length > MAX_WAITING) voter.shift();
    },
    close: () => {
      clearInterval(flushTimer);
      clearInterval(statsTimer);
      stalls.disable();
      flush();
      sendStats();
      process.off('disconnect', orphaned);
      // An open channel would keep the process alive.
      if (process.connected) process.disconnect();
    },
  };
}

function translateTick(record: TickRecord, toMachineUs: (atUs: number) => number): TickRecord {
  const { firstSendUs, agreedUs, foreseenUs, startUs } = record;
  return {
    ...record,
    startUs: startUs === null ? null : toMachineUs(startUs),
    firstSendUs: firstSendUs === null ? null : toMachineUs(firstSendUs),
    agreedUs: agreedUs === null ? null : toMachineUs(agreedUs),
    foreseenUs: foreseenUs === null ? null : toMachineUs(foreseenUs),
  };
}

function readMaxStallMs(stalls: IntervalHistogram): number {
  // The histogram counts whole intervals; a loop that never stalled shows its resolution.
  return Number.isFinite(stalls.max) ? Math.max(0, stalls.max / 1e6 - STALL_RESOLUTION_MS) : 0;
}
