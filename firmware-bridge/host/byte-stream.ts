/**
 * A byte stream to a device over a TCP socket; a serial line or pty is the same to the bridge client. What it must
 * never do: keep bytes for later when the line does not take them (old data is worse than none), or raise an error
 * event that nobody handles.
 */
import { connect } from 'node:net';
import type { OpenByteStream } from '../../src/ports.js';

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
