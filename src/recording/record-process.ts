/** Records the life of a process that runs on this machine, into a folder of logs. */
import type { Log } from '../ports.js';
import { CallLogWriter, type CallLogHeader } from './call-log.js';
import { PortRecorder } from './port-recorder.js';
import { nameNextLog } from './recording-folder.js';

/** The recording of one life. */
export interface ProcessRecording {
  readonly recorder: PortRecorder;
  /** Before a fault kills this process: all that happened is on disk when it returns. */
  noteKilled(): void;
  close(): Promise<void>;
}

/** How often what has been gathered is handed to the disk. */
const FLUSH_MS = 200;

/**
 * Begins the log of the next life of a process in `folder`. A disk that fails ends the recording with a line for people,
 * never the process. Throws what the file system throws when the log cannot be created.
 */
export function recordProcess(
  folder: string,
  header: Omit<CallLogHeader, 'life'>,
  log: Log,
): ProcessRecording {
  const { file, life } = nameNextLog(folder, header.process);
  const writer = new CallLogWriter(file, { ...header, life }, (what) =>
    log.error(`${file}: the recording ends here: ${what}; make room, or record on a faster disk`),
  );
  const recorder = new PortRecorder(writer);
  const timer = setInterval(() => writer.flush(), FLUSH_MS);
  // Whatever ends this process without a signal, an error of its own too.
  const onExit = (): void => writer.flushNow();
  process.on('exit', onExit);
  return {
    recorder,
    noteKilled: () => {
      recorder.noteKilled();
      writer.flushNow();
    },
    close: async () => {
      clearInterval(timer);
      process.off('exit', onExit);
      await writer.close();
    },
  };
}
