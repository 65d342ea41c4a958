/** Parts that the MQTT tests share: an inbox with members, a raw MQTT client that may misbehave, and waiting for facts. */
import net from 'node:net';
import mqttPacket from 'mqtt-packet';
import { EmbeddedInbox, type EmbeddedInboxOptions, type InboxMember } from '../../src/mqtt/embedded-inbox.js';
import { defaultMqttLimits, type MqttLimits, type RefusalCause } from '../../src/mqtt/inbox.js';
import type { Log } from '../../src/ports.js';

export const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);
const ignore = (): void => undefined;
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Keeps warnings for a test to read. */
export function makeListLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (text: string): void => {
    lines.push(text);
  };
  return { lines, debug: ignore, info: ignore, warn: keep, error: keep };
}

/** Waits until `check` gives something true; fails with `what` after `withinMs`. */
export async function eventually<T>(
  what: string,
  check: () => T | undefined | false,
  withinMs = 8000,
): Promise<T> {
  const endUs = nowUs() + withinMs * 1000;
  for (;;) {
    const value = check();
    if (value !== undefined && value !== false) return value;
    if (nowUs() > endUs) throw new Error(`did not happen within ${String(withinMs)} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface Arrival {
  readonly from: string;
  readonly purpose: string;
  readonly text: string;
  readonly atUs: number;
}

/** a's inbox: b and c send rounds, op operates, eye observes. Password of x: `pw-x`. */
export const members: readonly InboxMember[] = [
  { id: 'b', kind: 'sender', purposes: ['hello', 'round'], password: 'pw-b' },
  { id: 'c', kind: 'sender', purposes: ['hello', 'round'], password: 'pw-c' },
  { id: 'op', kind: 'operator', purposes: ['hello', 'control'], password: 'pw-op' },
  { id: 'eye', kind: 'observer', purposes: ['hello'], password: 'pw-eye' },
];

export interface TestInbox {
  readonly inbox: EmbeddedInbox;
  readonly arrivals: Arrival[];
  readonly refusals: { readonly cause: RefusalCause; readonly principal: string | null }[];
  readonly port: number;
}

export async function openInbox(
  limits: Partial<MqttLimits> = {},
  more: Partial<EmbeddedInboxOptions> = {},
): Promise<TestInbox> {
  const arrivals: Arrival[] = [];
  const refusals: TestInbox['refusals'] = [];
  const inbox = new EmbeddedInbox({
    rigId: 'rig',
    owner: 'a',
    host: '127.0.0.1',
    port: 0,
    members,
    limits: { ...defaultMqttLimits, ...limits },
    nowUs,
    log: silentLog,
    onRefusal: (cause, principal) => refusals.push({ cause, principal }),
    ...more,
  });
  inbox.onFrame((from, purpose, frame, atUs) => {
    arrivals.push({ from, purpose, text: Buffer.from(frame).toString(), atUs });
  });
  await inbox.open();
  return { inbox, arrivals, refusals, port: inbox.address().port };
}

/** An MQTT client without manners: says what it is told, notes what it hears. */
export class RawClient {
  readonly socket: net.Socket;
  readonly heard: mqttPacket.Packet[] = [];
  closed = false;

  constructor(port: number) {
    this.socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
    const parser = mqttPacket.parser();
    parser.on('packet', (packet) => this.heard.push(packet));
    this.socket.on('data', (chunk) => parser.parse(chunk));
  }

  send(packet: mqttPacket.Packet): void {
    this.socket.write(mqttPacket.generate(packet));
  }

  /** Connects as that member; the CONNACK's code, or 'closed' where the connection ended without one. */
  async connect(id: string, more: Partial<mqttPacket.IConnectPacket> = {}): Promise<number | 'closed'> {
    this.send({ ...connectAs(id), ...more });
    return eventually('an answer to CONNECT', () => {
      const connack = this.heard.find((packet) => packet.cmd === 'connack');
      if (connack?.cmd === 'connack') return connack.returnCode ?? -1;
      return this.closed && ('closed' as const);
    }).then((answer) => answer);
  }

  publish(topic: string, payload: string | Buffer, more: Partial<mqttPacket.IPublishPacket> = {}): void {
    this.send({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false, ...more });
  }

  /** The code granted for each filter. */
  async subscribe(...filters: string[]): Promise<readonly unknown[]> {
    const before = this.heard.length;
    this.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: filters.map((topic) => ({ topic, qos: 0 as const })),
    });
    return eventually('an answer to SUBSCRIBE', () => {
      const suback = this.heard.slice(before).find((packet) => packet.cmd === 'suback');
      return suback?.cmd === 'suback' ? (suback.granted as readonly unknown[]) : undefined;
    });
  }

  /** Topic and text of every message heard. */
  messages(): { topic: string; text: string }[] {
    return this.heard.flatMap((packet) =>
      packet.cmd === 'publish' ? [{ topic: packet.topic, text: packet.payload.toString() }] : [],
    );
  }

  end(): void {
    this.socket.destroy();
  }
}

/** A connected member, which must have been accepted. */
export async function connectMember(port: number, id: string): Promise<RawClient> {
  const client = new RawClient(port);
  const code = await client.connect(id);
  if (code !== 0) throw new Error(`${id} was refused: ${String(code)}`);
  return client;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** How the member of that id enters an inbox. */
export function connectAs(id: string, password = `pw-${id}`): mqttPacket.IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: id,
    keepalive: 5,
    username: id,
    password: Buffer.from(password),
  };
}
