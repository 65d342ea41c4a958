/**
 * A TCP listener in front of one emulated device: cuts the stream, hands messages to the device, sends its answers.
 * One host at a time; a newer connection replaces an older one, so that a half-open socket locks nobody out. Nothing
 * a host sends can throw out of it or make it grow: frames are bounded, and a host that does not read is cut.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { BridgeDevice } from './bridge-device.js';
import { encodeFrame, FrameDecoder } from './frame.js';
import type { DeviceMessage } from './messages.js';

export interface BridgeServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly device: BridgeDevice;
  /** The device's monotonic clock, µs. */
  readonly nowUs: () => number;
}

/** A host that leaves this much unread is cut. */
const UNREAD_MAX_BYTES = 16_384;

export class BridgeServer {
  private socket: Socket | null = null;
  private readonly decoder = new FrameDecoder();

  private constructor(
    private readonly server: Server,
    private readonly options: BridgeServerOptions,
  ) {}

  /** Listens. Rejects with the socket's error where the address cannot be taken. */
  static async listen(options: BridgeServerOptions): Promise<BridgeServer> {
    const server = createServer({ noDelay: true });
    server.maxConnections = 4;
    const bridge = new BridgeServer(server, options);
    server.on('connection', (socket) => bridge.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
    // Errors after listening are those of accepting one connection; the next one may go well.
    server.on('error', () => bridge.countAcceptError());
    return bridge;
  }

  /** Connections that could not be accepted. */
  acceptErrors = 0;

  /** The port that it listens on. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Frames refused since the start. */
  countRefused(): number {
    return this.decoder.countRefused();
  }

  /** Sends what the device says without being asked; dropped where no host is connected. */
  say(messages: readonly DeviceMessage[]): void {
    const socket = this.socket;
    if (socket === null || messages.length === 0) return;
    if (socket.writableLength > UNREAD_MAX_BYTES) {
      socket.destroy();
      return;
    }
    socket.write(joinFrames(messages));
  }

  /** Cuts the present host off, as a broken line would. */
  cut(): void {
    this.socket?.destroy();
  }

  /** Stops listening and cuts the host. */
  async close(): Promise<void> {
    this.socket?.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private countAcceptError(): void {
    this.acceptErrors += 1;
  }

  private accept(socket: Socket): void {
    this.socket?.destroy();
    this.socket = socket;
    this.decoder.reset();
    socket.on('data', (bytes) => {
      if (this.socket !== socket) return;
      const answers: DeviceMessage[] = [];
      this.decoder.push(bytes, (message) => {
        const badFrames = this.decoder.countRefused();
        // One read of the socket holds at most 64 KiB; answers beyond what a host may leave unread are not made.
        if (answers.length * 32 > UNREAD_MAX_BYTES) return;
        for (const answer of this.options.device.receive(message, this.options.nowUs(), badFrames)) {
          answers.push(answer);
        }
      });
      this.say(answers);
    });
    // 'close' follows every error and is where the connection ends; the error itself tells a device nothing.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.socket === socket) this.socket = null;
    });
  }
}

function joinFrames(messages: readonly DeviceMessage[]): Uint8Array {
  const frames = messages.map(encodeFrame);
  const joined = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    joined.set(frame, at);
    at += frame.length;
  }
  return joined;
}
