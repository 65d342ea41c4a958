/**
 * A peer in a thread of its own, so that it keeps talking whatever the test's event loop does. workerData:
 * { port, id, mode: 'steady' | 'babble', everyMs, connect: CONNECT packet, publish: PUBLISH packet }. It connects
 * again whenever it is cut, and counts in `counts`: [connections, packets written].
 */
import net from 'node:net';
import { workerData } from 'node:worker_threads';

const { port, mode, everyMs, connect, publish, shared } = workerData;
const counts = new Int32Array(shared);
const pile = Buffer.concat(Array.from({ length: 200 }, () => Buffer.from(publish)));

function dial() {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
  let timer = null;
  socket.on('connect', () => {
    Atomics.add(counts, 0, 1);
    socket.write(Buffer.from(connect));
  });
  socket.once('data', () => {
    const write = (bytes, packets) => {
      Atomics.add(counts, 1, packets);
      return socket.write(bytes);
    };
    if (mode === 'steady') {
      timer = setInterval(() => write(Buffer.from(publish), 1), everyMs);
    } else {
      const babble = () => {
        if (socket.destroyed) return;
        if (write(pile, 200)) setImmediate(babble);
        else socket.once('drain', babble);
      };
      babble();
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(dial, 10);
  });
}
dial();
