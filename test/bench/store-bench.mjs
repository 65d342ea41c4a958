/**
 * What it takes to make a record durable: one write at a time and sixteen writers at once, against a bare write of one
 * block and its fdatasync on the same disk, in interleaved rounds.
 *
 * As a module: `measureStore({ rounds, times })` and `reportStore`. As a program, after `npx tsc -b`:
 *   node test/bench/store-bench.mjs [rounds]
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileDisk } from '../../dist/src/store/file-disk.js';
import { JOURNAL_BYTES, openStore, provisionStore } from '../../dist/src/store/store-folder.js';
import { formatTable, makeRow, median, quantiles, showMs } from './figures.mjs';

const OWNER = { kind: 'journal', rigId: 'bench', replicaId: 'a' };
const BLOCK_BYTES = 4096;
/** A vote with a small command. */
const VALUE_BYTES = 200;
/** Votes that are kept before they are truncated. */
const SLOTS = 500;
const WRITERS = 16;

const entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };
const now = () => Number(process.hrtime.bigint()) / 1000;

/** Microseconds of each of `times` calls, one after the other. */
async function time(times, operation) {
  const us = [];
  for (let i = 0; i < times; i += 1) {
    const from = now();
    await operation();
    us.push(now() - from);
  }
  return us;
}

/**
 * { bare, serial, group, open, perWrite }: microseconds of a bare flush and of a durable write, calls a second of sixteen
 * writers, microseconds of opening, bytes given to the disk for each write; ratios are medians over the rounds.
 */
export async function measureStore({ rounds = 10, times = 200 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'voteplane-store-bench-'));
  try {
    await provisionStore(new FileDisk(folder), OWNER, { entropy, records: [] });
    const raw = await open(join(folder, 'bare'), 'w');
    await raw.write(Buffer.alloc(JOURNAL_BYTES), 0, JOURNAL_BYTES, 0);
    await raw.sync();
    const openedUs = [];
    const openAnew = async () => {
      const from = now();
      const opened = await openStore(new FileDisk(folder), OWNER, entropy);
      openedUs.push(now() - from);
      return opened.store;
    };
    let store = await openAnew();
    let slot = 0;
    const write = async () => {
      slot += 1;
      const changes = [{ key: `v/${slot % SLOTS}`, bytes: entropy.bytes(VALUE_BYTES) }];
      const refusal = await new Promise((resolve) => store.write(changes, resolve));
      if (refusal !== null) throw refusal;
    };
    let position = 0;
    const block = randomBytes(BLOCK_BYTES);
    const flushBare = async () => {
      await raw.write(block, 0, BLOCK_BYTES, position);
      await raw.datasync();
      position = (position + BLOCK_BYTES) % JOURNAL_BYTES;
    };
    const measured = { bare: [], serial: [], serialRatio: [], group: [], groupRatio: [] };
    const bytes = { serial: 0, group: 0 };
    for (let round = -1; round < rounds; round += 1) {
      const bare = await time(times, flushBare);
      const before = store.figures().diskBytes;
      const serial = await time(times, write);
      const between = store.figures().diskBytes;
      const from = now();
      await Promise.all(Array.from({ length: WRITERS }, () => time(times, write)));
      const groupUs = now() - from;
      // The first round only warms up.
      if (round < 0) continue;
      bytes.serial += between - before;
      bytes.group += store.figures().diskBytes - between;
      measured.bare.push(...bare);
      measured.serial.push(...serial);
      measured.serialRatio.push(median(serial) / median(bare));
      const rate = (WRITERS * times * 1e6) / groupUs;
      measured.group.push(rate);
      measured.groupRatio.push((rate * bare.reduce((sum, us) => sum + us, 0)) / times / 1e6);
      await store.close();
      store = await openAnew();
    }
    await store.close();
    await raw.close();
    return {
      bareUs: quantiles(measured.bare),
      serialUs: quantiles(measured.serial),
      serialToBare: median(measured.serialRatio),
      groupPerSecond: median(measured.group),
      groupToBare: median(measured.groupRatio),
      openUs: median(openedUs),
      serialBytes: bytes.serial / (rounds * times),
      groupBytes: bytes.group / (rounds * times * WRITERS),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Rows for the report. */
export function reportStore(figures) {
  const bench = `store, ${VALUE_BYTES} bytes a write`;
  const row = (what, value, shown) => makeRow({ bench, what, value, shown });
  const { bareUs, serialUs } = figures;
  const showQuantiles = ({ p50, p99 }) => `${showMs(p50)}, p99 ${showMs(p99)}`;
  return [
    row('bare write of 4 KiB + fdatasync, p50', bareUs.p50, showQuantiles(bareUs)),
    row('one write, durable, p50', serialUs.p50, showQuantiles(serialUs)),
    row('one write / bare', figures.serialToBare, `${figures.serialToBare.toFixed(2)} ×`),
    row(`${WRITERS} writers`, figures.groupPerSecond, `${Math.round(figures.groupPerSecond)} writes/s`),
    row(`${WRITERS} writers / bare flushes`, figures.groupToBare, `${figures.groupToBare.toFixed(1)} ×`),
    row('given to the disk, one write', figures.serialBytes, `${Math.round(figures.serialBytes)} B a write`),
    row(
      `given to the disk, ${WRITERS} writers`,
      figures.groupBytes,
      `${Math.round(figures.groupBytes)} B a write`,
    ),
    row(`opened with ${SLOTS} records`, figures.openUs, showMs(figures.openUs)),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = await measureStore({ rounds: Number(process.argv[2] ?? 10) });
  console.log(formatTable(reportStore(figures)));
}
