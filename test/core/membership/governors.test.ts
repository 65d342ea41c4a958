/** Which of two replicas may step, rule by rule. */
import { describe, expect, test } from 'vitest';
import { Governors } from '../../../src/core/membership/governors.js';
import type { Entry } from '../../../src/core/types.js';
import { snapshotOf } from '../../support/log-world.js';

const A = 0b01;
const B = 0b10;
const BOTH = 0b11;

function entry(prefix: number): Entry {
  return {
    standing: { kind: 'running', stateTick: 0, stateDigest: new Uint8Array(16) },
    readings: [],
    actuators: [],
    missed: 0,
    joins: 0,
    prefix,
  };
}

/** Replica a, which knows that these became the quorum, one slot each. */
function know(...quorums: readonly number[]): Governors {
  const governors = new Governors(2, 0);
  quorums.forEach((members, at) => {
    governors.follow(at + 1, { kind: 'quorum', members });
  });
  return governors;
}

describe('replica a', () => {
  test('steps with b from the beginning, and not without', () => {
    expect(know().judge([entry(0), entry(0)], 1)).toBe('whole');
    expect(know().judge([entry(0), null], 1)).toBe('short');
    expect(know().mayOrder([entry(0), null], 1)).toBe(false);
  });

  test('steps alone once it is the quorum, but not for a vector that still says otherwise', () => {
    expect(know(A).judge([entry(1), null], 1)).toBe('whole');
    expect(know(A).judge([entry(0), null], 1)).toBe('short');
  });

  test('is outside as soon as the vector or it itself knows that b is the quorum', () => {
    expect(know(B).judge([entry(1), null], 1)).toBe('outside');
    expect(know(B).judge([entry(0), entry(0)], 1)).toBe('outside');
    expect(know(B, A).judge([null, entry(1)], 1)).toBe('outside');
    expect(know(B).mayOrder([entry(0), entry(0)], 1)).toBe(false);
  });

  test('has to know the log as far as anybody in the vector', () => {
    expect(know(A).judge([entry(1), entry(2)], 1)).toBe('unknown');
  });

  test('waits from its vote for a change until it knows what was chosen', () => {
    const governors = know(A);
    governors.vote(2);
    expect(governors.judge([entry(1), null], 1)).toBe('unknown');
    expect(governors.mayOrder([entry(1), null], 1)).toBe(false);
    governors.follow(2, { kind: 'nothing' });
    expect(governors.judge([entry(1), null], 1)).toBe('whole');
    expect(governors.mayOrder([entry(1), null], 1)).toBe(true);
  });

  test('goes on beside a member that says in this very tick that it is joining', () => {
    const governors = know(A, BOTH);
    expect(governors.judge([entry(2), null], 7)).toBe('short');
    governors.noteJoining(1, 6);
    expect(governors.judge([entry(2), null], 7)).toBe('short');
    governors.noteJoining(1, 7);
    expect(governors.judge([entry(2), null], 7)).toBe('whole');
    governors.forgetTicks();
    expect(governors.judge([entry(2), null], 7)).toBe('short');
  });

  test('goes by a snapshot as by the entries in its place', () => {
    const governors = new Governors(2, 0);
    governors.install({ ...snapshotOf(9, new Uint8Array()), quorum: A, quorumSlot: 5 });
    expect(governors.judge([entry(9), null], 1)).toBe('whole');
    expect(governors.judge([entry(5), null], 1)).toBe('whole');
    // What governed before is not known.
    expect(governors.judge([entry(4), null], 1)).toBe('unknown');
  });

  test('remembers only so many changes', () => {
    const governors = new Governors(2, 0);
    for (let slot = 1; slot <= 500; slot += 1)
      governors.follow(slot, { kind: 'quorum', members: slot % 2 === 0 ? BOTH : A });
    expect(governors.after(500)).toBe(BOTH);
    expect(governors.after(499)).toBe(A);
    expect(governors.after(1)).toBeNull();
  });
});
