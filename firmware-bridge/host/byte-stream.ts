/**
 * A byte stream to a device: a TCP socket here, a serial line or pty elsewhere, the same to the bridge client. What
 * it must never do: keep bytes for later when the line does not take them (old data is worse than none), or raise
 * an error event that nobody handles.
 */
import { connect } from 'node:net';

export interface ByteStream {
  /** Sends or drops; false when dropped because the line is not open or does not drain. */
  write(bytes: Uint8Array): boolean;
  /** Closes for good. No callback follows. */
  close(): void;
}

export interface ByteStreamEvents {
  onOpen(): void;
  /** The bytes are valid during the call only. */
  onBytes(bytes: Uint8Array): void;
  /** Exactly once, also where opening fails, unless `close` was called before. */
  onClose(reason: string): void;
}

/** Starts to open a stream; the events come later, never from inside this call. */
export type OpenByteStream = (events: ByteStreamEvents) => ByteStream;

/** More unsent bytes than this and further frames are dropped: some 60 frames, one second of a busy line. */
const UNSENT_MAX_BYTES = 4096;

/** Streams over TCP without Nagle's delay. */
export function openTcpStream(host: string, port: number): OpenByteStream {
  return (events) => {
    let open = false;
    let over = false;
    const socket = connect({ host, port, noDelay: true });
    const end = (reason: string): void => {
      if (over) return;
      over = true;
      open = false;
      socket.destroy();
      events.onClose(reason);
    };
    socket.on('connect', () => {
      if (over) return;
      open = true;
      events.onOpen();
    });
    socket.on('data', (bytes) => {
      if (!over) events.onBytes(bytes);
    });
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed by the device'));
    return {
      write(bytes) {
        if (!open || socket.writableLength > UNSENT_MAX_BYTES) return false;
        socket.write(bytes);
        return true;
      },
      close() {
        over = true;
        open = false;
        socket.destroy();
      },
    };
  };
}
