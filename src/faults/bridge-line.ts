/**
 * The line between a firmware bridge's host and its device as faults see it: bytes either way, of whichever connection
 * stands. It can be broken. A bridge must find nothing here that a line of its own could not do to it.
 */
import type { ByteStreamEvents, OpenByteStream } from '../ports.js';

/** Bytes of the connection that stands. They are valid during the call only. */
export interface BridgeLine {
  /** From the host to the device; false when dropped. */
  write(bytes: Uint8Array): boolean;
  /** From the device to the host. */
  arrive(bytes: Uint8Array): void;
}

interface Connection {
  readonly events: ByteStreamEvents;
  write: (bytes: Uint8Array) => boolean;
  close: () => void;
  isOpen: boolean;
}

/** Makes connections whose bytes pass through `readLine()`, the line with the active faults around it. */
export class BreakableBridge {
  private current: Connection | null = null;

  constructor(
    private readonly openBelow: OpenByteStream,
    private readonly readLine: () => BridgeLine,
  ) {}

  /** The line without faults. */
  readonly base: BridgeLine = {
    write: (bytes) => this.current?.write(bytes) ?? false,
    arrive: (bytes) => this.current?.events.onBytes(bytes),
  };

  readonly open: OpenByteStream = (events) => {
    const connection: Connection = { events, write: () => false, close: () => {}, isOpen: false };
    this.current = connection;
    const isCurrent = (): boolean => this.current === connection;
    const leave = (): void => {
      if (isCurrent()) this.current = null;
    };
    const stream = this.openBelow({
      onOpen: () => {
        connection.isOpen = true;
        if (isCurrent()) events.onOpen();
      },
      onBytes: (bytes) => {
        if (isCurrent()) this.readLine().arrive(bytes);
      },
      onClose: (reason) => {
        if (!isCurrent()) return;
        leave();
        events.onClose(reason);
      },
    });
    connection.write = (bytes) => stream.write(bytes);
    connection.close = () => stream.close();
    return {
      write: (bytes) => isCurrent() && this.readLine().write(bytes),
      close: () => {
        leave();
        stream.close();
      },
    };
  };

  /** Breaks the connection that stands; false where none does. */
  cut(): boolean {
    const { current } = this;
    if (current?.isOpen !== true) return false;
    this.current = null;
    current.close();
    current.events.onClose('the line broke');
    return true;
  }
}
