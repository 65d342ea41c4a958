/** The processes of a bench: forked alike, told what to do by messages, and gone with it. */
import { fork } from 'node:child_process';

/** Starts a worker file and resolves when it says that it is ready. */
export function startWorker(file, order, v8Flags = []) {
  const child = fork(file, { execArgv: v8Flags, serialization: 'advanced' });
  let isEnding = false;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  // What waits for its answers would wait for ever.
  child.once('exit', (code) => {
    if (!isEnding) throw new Error(`a bench process ended with code ${code}`);
  });
  const worker = {
    /** Calls `onMessage` with what it tells. */
    listen: (onMessage) => child.on('message', onMessage),
    /** Calls `onMessage` with the next message of a kind. */
    listenOnce(kind, onMessage) {
      const hear = (message) => {
        if (message.kind !== kind) return;
        child.off('message', hear);
        onMessage(message);
      };
      child.on('message', hear);
    },
    send: (message) => child.send(message),
    async stop() {
      isEnding = true;
      if (child.connected) child.send({ kind: 'stop' });
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await gone;
      clearTimeout(timer);
    },
    async kill() {
      isEnding = true;
      child.kill('SIGKILL');
      await gone;
    },
  };
  return new Promise((resolve) => {
    child.once('message', () => resolve(worker));
    child.send(order);
  });
}
