/**
 * The host side of one firmware bridge: connects, checks the device's hello, asks for samples, sends outputs, and
 * starts again when the line or the device does. What it must never do: throw or wait because of what a device
 * sends, take a sample for fresher than the request that asked for it, or send an output to a device whose hello it
 * has not checked.
 */
import type { ByteStream, Cancel, Clock, Log, OpenByteStream } from '../../src/ports.js';
import { encodeFrame, FrameDecoder } from './frame.js';
import type { FrameRefusal } from './frame.js';
import { ALL_CHANNELS, BRIDGE_VERSION, NO_TICK } from './messages.js';
import type {
  BridgeMessage,
  ChannelMessage,
  FaultMessage,
  HelloMessage,
  HostMessage,
  OutputInfoMessage,
  ReadBackMessage,
} from './messages.js';

/** What a device said of itself. */
export interface DeviceDescription {
  readonly deviceId: string;
  readonly bootNonce: number;
  readonly channels: ReadonlyMap<number, ChannelMessage>;
  readonly outputs: ReadonlyMap<number, OutputInfoMessage>;
}

/** The newest sample of one channel. */
export interface HeldSample {
  /** Null: the device has no reading. */
  readonly count: number | null;
  /** When the request that it answers was sent, µs of the host's clock: the sample is at most that old. */
  readonly asOfUs: number;
}

/** What has been counted since the start of the client. */
export interface BridgeCounts {
  connects: number;
  restarts: number;
  /** Requests and outputs dropped because the line was down or did not drain. */
  unsent: number;
  /** Samples that answered no open request, came from another boot, or from a device clock that ran backwards. */
  staleSamples: number;
  /** Messages that a device has no business to send now, or at all. */
  unexpected: number;
  faults: number;
  readonly refused: Readonly<Record<FrameRefusal, number>>;
}

export interface BridgeClientOptions {
  /** Named in the log, such as `bridge of replica a (127.0.0.1:18931)`. */
  readonly name: string;
  readonly open: OpenByteStream;
  readonly clock: Clock;
  readonly log: Log;
  /** 32 unpredictable bits; ties a hello to our request. */
  readonly drawNonce: () => number;
  /** What is wrong with a device for this use, in words that name the cure; null where nothing is. */
  readonly checkDevice: (device: DeviceDescription) => string | null;
  readonly onReadBack?: (readBack: ReadBackMessage, atUs: number) => void;
  readonly onFault?: (fault: FaultMessage) => void;
  /** True when the device answers and its hello is fine; false when that ends. */
  readonly onReady?: (ready: boolean) => void;
}

/** Waiting time before the next attempt: doubles from the first to the last. */
const BACKOFF_FIRST_US = 50_000;
const BACKOFF_LAST_US = 2_000_000;
/** A controller that its serial line resets needs up to two seconds before it answers. */
const HELLO_AGAIN_US = 250_000;
const HELLO_PATIENCE_US = 3_000_000;
const HEARTBEAT_US = 100_000;
/** Silence after which the device counts as hung. */
const SILENCE_MAX_US = 600_000;
/** Requests remembered; a sample that answers an older one is stale whatever it says. */
const OPEN_REQUESTS = 16;

interface OpenRequest {
  sequence: number;
  sentUs: number;
}

type Phase = 'down' | 'opening' | 'greeting' | 'ready';

export class BridgeClient {
  readonly counts: BridgeCounts;
  private readonly decoder = new FrameDecoder();
  private phase: Phase = 'down';
  private stream: ByteStream | null = null;
  private generation = 0;
  private backoffUs = BACKOFF_FIRST_US;
  private timers: Cancel[] = [];
  private closed = false;
  private complaint = '';
  private hostNonce = 0;
  private hello: HelloMessage | null = null;
  private readonly channels = new Map<number, ChannelMessage>();
  private readonly outputs = new Map<number, OutputInfoMessage>();
  private sequence = 0;
  private heardUs = 0;
  private readonly requests: OpenRequest[] = [];
  private readonly samples = new Map<number, HeldSample & { readonly deviceTimeUs: number }>();

  constructor(private readonly options: BridgeClientOptions) {
    this.counts = {
      connects: 0,
      restarts: 0,
      unsent: 0,
      staleSamples: 0,
      unexpected: 0,
      faults: 0,
      refused: this.decoder.refused,
    };
    this.connect();
  }

  /** Whether the device answers and its hello is fine. */
  isReady(): boolean {
    return this.phase === 'ready';
  }

  /** The device's description while it is ready, else null. */
  describe(): DeviceDescription | null {
    return this.phase === 'ready' ? this.makeDescription() : null;
  }

  /** Asks for a sample of every channel; dropped and counted while the device is not ready. */
  requestSamples(): void {
    if (this.phase !== 'ready') {
      this.counts.unsent += 1;
      return;
    }
    const sequence = this.nextSequence();
    if (!this.send({ type: 'sample-request', channel: ALL_CHANNELS, sequence })) return;
    this.requests.push({ sequence, sentUs: this.options.clock.nowUs() });
    if (this.requests.length > OPEN_REQUESTS) this.requests.shift();
  }

  /** The newest sample of a channel in this life of the device, or null. */
  getSample(channel: number): HeldSample | null {
    return this.samples.get(channel) ?? null;
  }

  /** Sends one output; false when it was dropped. `tick` is null for a fail-safe output. */
  sendOutput(output: number, count: number, tick: number | null): boolean {
    if (this.phase !== 'ready') {
      this.counts.unsent += 1;
      return false;
    }
    return this.send({
      type: 'output',
      output,
      sequence: this.nextSequence(),
      tick: tick === null ? NO_TICK : tick % NO_TICK,
      count,
    });
  }

  /** Leaves the device alone for good. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.leave();
  }

  private connect(): void {
    if (this.closed) return;
    this.phase = 'opening';
    this.generation += 1;
    const generation = this.generation;
    const current = (): boolean => generation === this.generation && !this.closed;
    this.decoder.reset();
    this.stream = this.options.open({
      onOpen: () => {
        if (!current()) return;
        this.counts.connects += 1;
        this.greet();
      },
      onBytes: (bytes) => {
        if (!current()) return;
        this.decoder.push(bytes, (message) => {
          // A message may end this life of the line; what follows it in the same bytes belongs to that life.
          if (current()) this.take(message);
        });
      },
      onClose: (reason) => {
        if (current()) this.retry(reason);
      },
    });
    // A line that neither opens nor fails within this time (a lost SYN) is tried afresh.
    this.after(HELLO_PATIENCE_US, () => {
      if (this.phase === 'opening') this.retry('no connection');
    });
  }

  /** Ends this attempt or connection and starts the next after the backoff. */
  private retry(reason: string): void {
    this.complain(
      `${this.options.name}: ${reason}; trying again. Is the device running and is its address right?`,
    );
    this.leave();
    if (this.closed) return;
    const waitUs = this.backoffUs;
    this.backoffUs = Math.min(this.backoffUs * 2, BACKOFF_LAST_US);
    this.after(waitUs, () => this.connect());
  }

  private leave(): void {
    const wasReady = this.phase === 'ready';
    this.phase = 'down';
    this.generation += 1;
    this.cancelTimers();
    this.stream?.close();
    this.stream = null;
    this.forgetDevice();
    if (wasReady) this.options.onReady?.(false);
  }

  private forgetDevice(): void {
    this.hello = null;
    this.channels.clear();
    this.outputs.clear();
    this.requests.length = 0;
    this.samples.clear();
  }

  private greet(): void {
    const wasReady = this.phase === 'ready';
    this.phase = 'greeting';
    this.cancelTimers();
    this.forgetDevice();
    if (wasReady) this.options.onReady?.(false);
    // A lone zero first: it ends whatever noise or half a frame the device may hold.
    this.stream?.write(new Uint8Array(1));
    const ask = (): void => {
      if (this.phase !== 'greeting') return;
      this.hostNonce = this.options.drawNonce() >>> 0;
      this.hello = null;
      this.send({
        type: 'hello-request',
        lowestVersion: BRIDGE_VERSION,
        highestVersion: BRIDGE_VERSION,
        hostNonce: this.hostNonce,
      });
      this.after(HELLO_AGAIN_US, ask);
    };
    this.after(HELLO_PATIENCE_US, () => {
      if (this.phase === 'greeting') this.retry('it does not answer our hello');
    });
    ask();
  }

  private take(message: BridgeMessage): void {
    const nowUs = this.options.clock.nowUs();
    this.heardUs = nowUs;
    switch (message.type) {
      case 'hello':
        this.takeHello(message);
        return;
      case 'channel':
        if (this.phase !== 'greeting' || this.hello === null || message.channel >= this.hello.channels) break;
        this.channels.set(message.channel, message);
        this.finishGreeting();
        return;
      case 'output-info':
        if (this.phase !== 'greeting' || this.hello === null || message.output >= this.hello.outputs) break;
        this.outputs.set(message.output, message);
        this.finishGreeting();
        return;
      case 'fault':
        if (message.code === 'version-refused' && this.phase === 'greeting') {
          this.retry(
            `the device speaks version ${message.detail} of the bridge protocol, this host version ${BRIDGE_VERSION}; ` +
              'update the older of the two',
          );
          return;
        }
        if (!this.isOfThisBoot(message.boot)) return;
        this.counts.faults += 1;
        this.options.log.warn(
          `${this.options.name}: the device reports ${message.code}; ${FAULT_CURES[message.code]}`,
          {
            subject: message.subject,
            detail: message.detail,
          },
        );
        this.options.onFault?.(message);
        return;
      case 'sample': {
        if (this.phase !== 'ready') break;
        if (!this.isOfThisBoot(message.boot)) return;
        const request = this.requests.find((open) => open.sequence === message.sequence);
        const last = this.samples.get(message.channel);
        if (
          request === undefined ||
          !this.channels.has(message.channel) ||
          (last !== undefined && isEarlier(message.deviceTimeUs, last.deviceTimeUs)) ||
          (last !== undefined && last.asOfUs >= request.sentUs)
        ) {
          this.counts.staleSamples += 1;
          return;
        }
        this.samples.set(message.channel, {
          count: message.valid ? message.count : null,
          asOfUs: request.sentUs,
          deviceTimeUs: message.deviceTimeUs,
        });
        return;
      }
      case 'read-back':
        if (this.phase !== 'ready' || !this.outputs.has(message.output)) break;
        if (!this.isOfThisBoot(message.boot)) return;
        this.options.onReadBack?.(message, nowUs);
        return;
      case 'heartbeat':
        if (this.phase === 'ready') this.isOfThisBoot(message.boot);
        return;
      default:
        break;
    }
    this.counts.unexpected += 1;
  }

  private takeHello(message: HelloMessage): void {
    if (this.phase === 'ready') {
      if (this.hello !== null && message.bootNonce === this.hello.bootNonce) {
        this.counts.unexpected += 1;
        return;
      }
      this.noticeRestart();
      return;
    }
    if (this.phase !== 'greeting' || message.hostNonce !== this.hostNonce) {
      this.counts.unexpected += 1;
      return;
    }
    if (message.version !== BRIDGE_VERSION) {
      this.retry(
        `the device speaks version ${message.version} of the bridge protocol, this host version ${BRIDGE_VERSION}; ` +
          'update the older of the two',
      );
      return;
    }
    this.hello = message;
    this.channels.clear();
    this.outputs.clear();
    this.finishGreeting();
  }

  /** Ready as soon as everything that the hello announced has been described. */
  private finishGreeting(): void {
    const hello = this.hello;
    if (hello === null || this.channels.size < hello.channels || this.outputs.size < hello.outputs) return;
    const wrong = this.options.checkDevice(this.makeDescription());
    if (wrong !== null) {
      this.retry(wrong);
      return;
    }
    this.cancelTimers();
    this.phase = 'ready';
    this.backoffUs = BACKOFF_FIRST_US;
    this.complaint = '';
    this.options.log.info(`${this.options.name}: device ${hello.deviceId} is ready`);
    this.beat();
    this.options.onReady?.(true);
  }

  private beat(): void {
    if (this.phase !== 'ready') return;
    if (this.options.clock.nowUs() - this.heardUs > SILENCE_MAX_US) {
      this.retry('the device has fallen silent');
      return;
    }
    this.send({ type: 'heartbeat-request', sequence: this.nextSequence() });
    this.cancelTimers();
    this.after(HEARTBEAT_US, () => this.beat());
  }

  /** True when a frame belongs to the life of the device that we greeted; else the greeting starts over. */
  private isOfThisBoot(boot: number): boolean {
    if (this.phase !== 'ready' || this.hello === null) return false;
    if ((this.hello.bootNonce & 0xffff) === boot) return true;
    this.noticeRestart();
    return false;
  }

  private noticeRestart(): void {
    this.counts.restarts += 1;
    this.options.log.warn(
      `${this.options.name}: the device has restarted; greeting it again. If that happens often, look at its power`,
    );
    this.greet();
  }

  private makeDescription(): DeviceDescription {
    return {
      deviceId: this.hello?.deviceId ?? '',
      bootNonce: this.hello?.bootNonce ?? 0,
      channels: this.channels,
      outputs: this.outputs,
    };
  }

  private send(message: HostMessage): boolean {
    const sent = this.stream?.write(encodeFrame(message)) ?? false;
    if (!sent) this.counts.unsent += 1;
    return sent;
  }

  private nextSequence(): number {
    this.sequence = (this.sequence + 1) & 0xffff;
    return this.sequence;
  }

  private after(delayUs: number, callback: () => void): void {
    this.timers.push(this.options.clock.schedule(this.options.clock.nowUs() + delayUs, callback));
    // The greeting asks again at most a dozen times; spent timers are harmless to cancel and dropped together.
    if (this.timers.length > 32) this.timers.shift();
  }

  private cancelTimers(): void {
    for (const cancel of this.timers) cancel();
    this.timers = [];
  }

  /** One line per kind of trouble, not one per attempt. */
  private complain(text: string): void {
    if (text === this.complaint) {
      this.options.log.debug(text);
      return;
    }
    this.complaint = text;
    this.options.log.warn(text);
  }
}

/** What a person can do about each fault that a device reports. */
const FAULT_CURES: Readonly<Record<FaultMessage['code'], string>> = {
  restarted: 'if that happens often, look at its power',
  'channel-failed': 'look at the sensor of the channel in `subject` and its wiring',
  'output-refused': "make the envelope in rig.yaml fit the device's range",
  'watchdog-expired':
    'it heard nothing for too long and moved its output by itself: look at the line and at this process',
  'version-refused': 'update the older of device and host',
  'actuator-failed': 'look at the actuator in `subject` and its power',
};

/** Whether device time `a` is before `b`, both modulo 2³² µs and less than half of that apart. */
function isEarlier(a: number, b: number): boolean {
  return (a - b) >>> 0 >= 0x80000000;
}
