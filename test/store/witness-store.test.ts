import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordStore } from '../../src/ports.js';
import { decodeWitnessRecord, encodeWitnessRecord } from '../../src/store/witness-record.js';
import { joinBallot } from '../../src/core/paxos/ballot.js';
import { KNOWN_BALLOT } from '../../src/core/paxos/types.js';
import { decodeWitnessState, encodeWitnessState, type WitnessState } from '../../src/store/witness-state.js';
import { WITNESS_KEY } from '../../src/store/witness-store.js';
import { CutDisk } from '../support/cut-disk.js';
import { openProvisioned, provision, write } from './store-kit.js';

const STATE: WitnessState = {
  incarnation: 1,
  promised: 0x0102_0304,
  change: {
    ballot: 300,
    from: 29,
    slot: 31,
    quorum: 0b101,
    digest: Uint8Array.from({ length: 16 }, (_, at) => 0xa0 + at),
  },
};

const DIGEST = Uint8Array.from({ length: 16 }, (_, at) => 0x50 + at);

/** Byte by byte, for whoever writes it into an EEPROM. */
const GOLDEN_STATE = [
  '01000000', // incarnation 1
  '04030201', // promised 0x01020304
  '01', // there is a vote
  '05', // quorum {0, 2}
  '10', // its digest has 16 bytes
  '00',
  '2c010000', // ballot 300
  '1d000000', // from slot 29
  '1f000000', // slot 31
  'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf',
].join('');

const GOLDEN_RECORD = [
  '56505731', // VPW1
  '07000000', // sequence 7
  '505152535455565758595a5b', // stamp
  GOLDEN_STATE,
  '446ff403', // CRC-32
].join('');

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function stateOf(store: RecordStore): WitnessState | null {
  return decodeWitnessState(store.loaded.get(WITNESS_KEY) ?? new Uint8Array());
}

const change = (state: WitnessState) => [{ key: WITNESS_KEY, bytes: encodeWitnessState(state) }];

describe('bytes', () => {
  test('golden: 40 of state, 64 of record', () => {
    expect(toHex(encodeWitnessState(STATE))).toBe(GOLDEN_STATE);
    const record = { sequence: 7, state: encodeWitnessState(STATE) };
    expect(toHex(encodeWitnessRecord(record, DIGEST))).toBe(GOLDEN_RECORD);
    expect(decodeWitnessRecord(Buffer.from(GOLDEN_RECORD, 'hex'), DIGEST)).toEqual(record);
    expect(decodeWitnessState(Buffer.from(GOLDEN_STATE, 'hex'))).toEqual(STATE);
  });

  test('any state comes back; what does not fit is refused', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const ballot = (admissions: number): fc.Arbitrary<number> =>
      fc.tuple(fc.nat({ max: admissions }), u32).map(([range, place]) => joinBallot(range, place, 3));
    const digest = fc.uint8Array({ maxLength: 16 });
    const vote = fc.record({
      ballot: fc.oneof(ballot(254), fc.constant(KNOWN_BALLOT)),
      from: u32,
      slot: u32,
      quorum: fc.integer({ min: 0, max: 255 }),
      digest,
    });
    const any = fc.record({
      incarnation: fc.nat({ max: 0xffff }),
      promised: fc.oneof(ballot(0xfffe), fc.constant(KNOWN_BALLOT)),
      change: fc.option(vote),
    });
    fc.assert(
      fc.property(any, (state) => {
        expect(decodeWitnessState(encodeWitnessState(state))).toEqual(state);
      }),
    );
    expect(() => encodeWitnessState({ ...STATE, promised: 2 ** 32 })).toThrow(RangeError);
    expect(() => encodeWitnessState({ ...STATE, promised: joinBallot(0xffff, 0, 3) })).toThrow(RangeError);
    expect(() =>
      encodeWitnessState({ ...STATE, change: { ...vote0(), ballot: joinBallot(255, 0, 3) } }),
    ).toThrow(RangeError);
    expect(() =>
      encodeWitnessState({ ...STATE, change: { ...vote0(), digest: new Uint8Array(17) } }),
    ).toThrow(RangeError);
  });

  test('an altered record is none, whichever byte it is', () => {
    for (let at = 0; at < 64; at += 1) {
      const bytes = Buffer.from(GOLDEN_RECORD, 'hex');
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      expect(decodeWitnessRecord(bytes, DIGEST)).toBeNull();
    }
    expect(decodeWitnessRecord(Buffer.from(GOLDEN_RECORD, 'hex'), new Uint8Array(16))).toBeNull();
  });

  function vote0(): NonNullable<WitnessState['change']> {
    if (STATE.change === null) throw new Error('the state has a vote');
    return STATE.change;
  }
});

describe('two places', () => {
  test('a write of 64 bytes and a flush, in turns', async () => {
    const disk = new CutDisk();
    await provision(disk, 'witness');
    const store = await openProvisioned(disk, 'witness');
    const from = disk.log.length;
    for (const promised of [1, 2, 3]) {
      expect(await write(store, change({ ...STATE, promised }))).toBeNull();
    }
    const positions = disk.log
      .slice(from)
      .map((operation) => (operation.kind === 'write' ? operation.position : operation.kind));
    expect(new Set([positions[0], positions[2]])).toEqual(new Set([0, 4096]));
    expect(positions).toEqual([positions[0], 'sync', positions[2], 'sync', positions[0], 'sync']);
    expect(store.figures()).toMatchObject({ writes: 3, flushes: 4, diskBytes: 4 * 64 });
    await store.close();
    expect(stateOf(await openProvisioned(disk, 'witness'))).toEqual({ ...STATE, promised: 3 });
  });

  test('writes that wait share one flush, that of the last', async () => {
    const disk = new CutDisk();
    await provision(disk, 'witness');
    const store = await openProvisioned(disk, 'witness');
    const answers = [1, 2, 3, 4].map((promised) => write(store, change({ ...STATE, promised })));
    expect(await Promise.all(answers)).toEqual([null, null, null, null]);
    // The one with which it was opened, the first at once, and the other three.
    expect(store.figures()).toMatchObject({ writes: 4, flushes: 3 });
    await store.close();
    expect(stateOf(await openProvisioned(disk, 'witness'))?.promised).toBe(4);
  });

  test('opening flushes what a process before may have left, and writes the newer record where the older is', async () => {
    const disk = new CutDisk();
    await provision(disk, 'witness');
    const from = disk.log.length;
    await openProvisioned(disk, 'witness');
    expect(disk.log.slice(from)).toMatchObject([{ kind: 'sync' }, { kind: 'write' }, { kind: 'sync' }]);
  });

  test('once opened, either place may rot', async () => {
    const disk = new CutDisk();
    await provision(disk, 'witness');
    const store = await openProvisioned(disk, 'witness');
    await write(store, change(STATE));
    await store.close();
    await (await openProvisioned(disk, 'witness')).close();
    for (const place of [0, 4096]) {
      const image = new Map([...disk.read()].map(([name, bytes]) => [name, Uint8Array.from(bytes)]));
      image.get('store-witness')?.fill(0xff, place, place + 64);
      expect(stateOf(await openProvisioned(new CutDisk(image), 'witness'))).toEqual(STATE);
    }
  });

  test('a record whose flush failed is taken back: nobody takes it for durable', async () => {
    const disk = new CutDisk();
    await provision(disk, 'witness');
    const store = await openProvisioned(disk, 'witness');
    await write(store, change({ ...STATE, promised: 1 }));
    disk.fault = ({ kind }) => {
      if (kind === 'sync') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    expect(await write(store, change({ ...STATE, promised: 2 }))).toMatchObject({ code: 'io-error' });
    disk.fault = () => undefined;
    expect(stateOf(await openProvisioned(disk, 'witness'))?.promised).toBe(1);
  });

  test('another record, another length or a deletion is a mistake of the caller', async () => {
    const disk = new CutDisk();
    await provision(disk, 'witness');
    const store = await openProvisioned(disk, 'witness');
    const bytes = encodeWitnessState(STATE);
    for (const changes of [
      [],
      [{ key: 'vote', bytes }],
      [{ key: WITNESS_KEY, bytes: null }],
      [{ key: WITNESS_KEY, bytes: bytes.slice(1) }],
      [...change(STATE), ...change(STATE)],
    ]) {
      expect(() => store.write(changes, () => undefined)).toThrow(/a witness keeps/);
    }
  });

  test('the disk fails: refused, and nothing more is taken', async () => {
    const disk = new CutDisk();
    await provision(disk, 'witness');
    const store = await openProvisioned(disk, 'witness');
    disk.fault = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    expect(await write(store, change(STATE))).toMatchObject({ code: 'io-error' });
    disk.fault = () => undefined;
    expect(await write(store, change(STATE))).toMatchObject({ code: 'io-error' });
  });
});
