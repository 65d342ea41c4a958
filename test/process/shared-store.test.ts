/** A store that lives of one process use one after another. */
import { expect, test } from 'vitest';
import type { StoreRefusal } from '../../src/ports.js';
import { SharedStore } from '../../src/process/shared-store.js';
import { HandStore } from '../support/hand-store.js';

const put = (key: string, byte: number): { key: string; bytes: Uint8Array } => ({
  key,
  bytes: Uint8Array.of(byte),
});

test('a later life finds what an earlier one wrote, and that it has to wait for it', () => {
  const shared = new SharedStore(new HandStore(new Map([['old', Uint8Array.of(1)]])));
  const first = shared.open();
  expect(first.isReopened).toBe(false);
  first.store.write([put('new', 2), { key: 'old', bytes: null }], () => {});
  expect(first.store.loaded).toEqual(new Map([['old', Uint8Array.of(1)]]));
  const second = shared.open();
  expect(second.isReopened).toBe(true);
  expect(second.store.loaded).toEqual(new Map([['new', Uint8Array.of(2)]]));
});

test('a store that a life has made is there for the next', () => {
  const shared = new SharedStore(new HandStore(null));
  const { store } = shared.open();
  expect(store.loaded).toBeNull();
  store.provision([put('stamp', 1)], () => {});
  expect(shared.open().store.loaded).toEqual(new Map([['stamp', Uint8Array.of(1)]]));
});

test('once a write was refused, every later one is', () => {
  const hand = new HandStore(new Map());
  const shared = new SharedStore(hand);
  const told: (StoreRefusal | null)[] = [];
  const refusal: StoreRefusal = { code: 'full', message: 'no room' };
  hand.refusal = refusal;
  shared.open().store.write([put('large', 1)], (answer) => told.push(answer));
  hand.flush();
  hand.refusal = null;
  shared.open().store.write([put('small', 1)], (answer) => told.push(answer));
  hand.flush();
  expect(told).toEqual([refusal, refusal]);
});
