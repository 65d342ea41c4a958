/**
 * One call across the ports of a process, with its answer: what a recording is made of. Three sorts: an *event* is the
 * world calling the process and begins a piece of its work; an *answer* is what the world said when the process asked; an
 * *output* is what the process gave to the world. Between two events everything happens on one thread, in order.
 */
import type { Principal, Purpose, StoreRefusal } from '../ports.js';

/** The world calls the process. `nested`: while the process was giving an output away, and not after it had returned. */
export type PortEvent =
  /** The timer that was the `id`-th to be set, for `atUs`, fires. */
  | { readonly kind: 'timer'; readonly id: number; readonly atUs: number; readonly nested: boolean }
  | {
      readonly kind: 'frame';
      readonly from: Principal;
      readonly purpose: Purpose;
      readonly frame: Uint8Array;
      readonly arrivedUs: number;
      readonly nested: boolean;
    }
  | { readonly kind: 'link'; readonly to: Principal; readonly up: boolean; readonly nested: boolean }
  /** The line that was the `line`-th to be dialled is open, brings bytes, or is closed. */
  | { readonly kind: 'line-open'; readonly line: number; readonly nested: boolean }
  | {
      readonly kind: 'line-bytes';
      readonly line: number;
      readonly bytes: Uint8Array;
      readonly nested: boolean;
    }
  | { readonly kind: 'line-close'; readonly line: number; readonly reason: string; readonly nested: boolean }
  /** The write that was the `write`-th is durable, or refused. */
  | {
      readonly kind: 'durable';
      readonly write: number;
      readonly refusal: StoreRefusal | null;
      readonly nested: boolean;
    }
  /** Whoever started the process tells it something (JSON). */
  | { readonly kind: 'order'; readonly text: string; readonly nested: boolean }
  /** The process is asked to stop. */
  | { readonly kind: 'stop'; readonly nested: boolean }
  /** It has stopped: nothing follows. */
  | { readonly kind: 'stopped'; readonly nested: boolean };

/** The process asks the world. */
export type PortAnswer =
  /** What the store remembers, before anything else: keys with their bytes, or null for nothing. */
  | {
      readonly kind: 'loaded';
      readonly place: string;
      readonly records: readonly (readonly [key: string, bytes: Uint8Array])[] | null;
    }
  | { readonly kind: 'now'; readonly us: number }
  | { readonly kind: 'entropy'; readonly bytes: Uint8Array }
  /** Whether the line took what was written just before. */
  | { readonly kind: 'taken'; readonly taken: boolean };

/** The process gives to the world. */
export type PortOutput =
  /** A frame leaves; `claimed` is null where it leaves under the process's own name. `crc` is CRC-32 of its bytes. */
  | {
      readonly kind: 'sent';
      readonly claimed: Principal | null;
      readonly to: Principal;
      readonly purpose: Purpose;
      readonly length: number;
      readonly crc: number;
    }
  /** A line to the bridge is opened, written to, given up. */
  | { readonly kind: 'dial'; readonly line: number }
  | { readonly kind: 'written'; readonly line: number; readonly length: number; readonly crc: number }
  | { readonly kind: 'hang-up'; readonly line: number }
  /** Changes are given to the store, `made`: with which it is made. `crc` is CRC-32 of their keys and bytes. */
  | {
      readonly kind: 'stored';
      readonly write: number;
      readonly made: boolean;
      readonly changes: number;
      readonly crc: number;
    }
  /** A `TickRecord`, `VoterRecord` or other telemetry, as JSON. */
  | { readonly kind: 'tick' | 'voter' | 'told'; readonly text: string }
  /** A fault ends the process at once: nothing follows. */
  | { readonly kind: 'killed' };

export type PortCall = PortEvent | PortAnswer | PortOutput;

/** True for what begins a piece of work. */
export function isPortEvent(call: PortCall): call is PortEvent {
  return 'nested' in call;
}

/** The call in a few words, for messages to people. */
export function describeCall(call: PortCall): string {
  switch (call.kind) {
    case 'timer':
      return `timer ${call.id}, set for ${call.atUs} µs, fires`;
    case 'frame':
      return `a ${call.purpose} frame of ${call.frame.length} bytes from ${call.from}`;
    case 'link':
      return `the link to ${call.to} is ${call.up ? 'up' : 'down'}`;
    case 'line-open':
      return `line ${call.line} to the bridge opens`;
    case 'line-bytes':
      return `${call.bytes.length} bytes from line ${call.line} to the bridge`;
    case 'line-close':
      return `line ${call.line} to the bridge closes: ${call.reason}`;
    case 'durable':
      return `write ${call.write} to the store ${call.refusal === null ? 'is durable' : `is refused: ${call.refusal.message}`}`;
    case 'loaded':
      return call.records === null
        ? `a store in ${call.place} that remembers nothing`
        : `a store in ${call.place} with ${call.records.length} records`;
    case 'stored':
      return `write ${call.write} to the store${call.made ? ', which makes it' : ''}: ${call.changes} changes, CRC ${formatCrc(call.crc)}`;
    case 'order':
      return `an order of whoever started it: ${call.text}`;
    case 'stop':
      return 'a request to stop';
    case 'stopped':
      return 'the end after a request to stop';
    case 'now':
      return 'a look at the clock';
    case 'entropy':
      return `a draw of ${call.bytes.length} unpredictable bytes`;
    case 'taken':
      return `the line ${call.taken ? 'takes' : 'drops'} it`;
    case 'sent': {
      const under = call.claimed === null ? '' : ` under the name of ${call.claimed}`;
      return `a ${call.purpose} frame to ${call.to}${under}, ${call.length} bytes, CRC ${formatCrc(call.crc)}`;
    }
    case 'dial':
      return `a dial of line ${call.line} to the bridge`;
    case 'written':
      return `${call.length} bytes to line ${call.line} to the bridge, CRC ${formatCrc(call.crc)}`;
    case 'hang-up':
      return `line ${call.line} to the bridge is given up`;
    case 'tick':
    case 'voter':
    case 'told':
      return call.text;
    case 'killed':
      return 'death by a fault';
  }
}

function formatCrc(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
