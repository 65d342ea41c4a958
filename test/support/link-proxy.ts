/**
 * Links that delay, lose, throttle and cut, for tests over real sockets on a machine without netem: a process between
 * the senders of a rig and the inboxes of its receivers, one port for each directed link. A link is a TCP connection
 * from a sender to an inbox, and the conditions hold for both its directions, as the answers of an inbox are needed to
 * keep it up; what the receiver sends to the sender goes over another link.
 *
 * It works on chunks as they are read, nearly always one frame each, and keeps their order, as TCP does. *Loss* is
 * therefore what TCP makes of it: the chunk, and all behind it, come a retransmission later. A *cut* holds everything,
 * the end of a connection too, so that either end learns of it by silence alone; what waited then arrives when the link
 * is whole again, unless its reader has given up the connection. Delays are kept to about a millisecond, by timers.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a link behaves. */
export interface LinkConditions {
  /** Every chunk takes at least so long. */
  readonly delayMs: number;
  /** And so much more on average, exponentially distributed. */
  readonly jitterMs: number;
  /** Probability that a chunk has to be sent again. */
  readonly loss: number;
  /** How long that takes: Linux waits at least so long before it sends again. */
  readonly retransmitMs: number;
  /** Null: no limit. */
  readonly bytesPerSecond: number | null;
  readonly cut: boolean;
}

/** Hands on what comes at once. */
export const CLEAR_LINK: LinkConditions = {
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  retransmitMs: 200,
  bytesPerSecond: null,
  cut: false,
};

/** What went over a link so far, in both directions. */
export interface LinkCounts {
  readonly connections: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly lost: number;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface LinkProxyOptions {
  /** Where senders find it. */
  readonly host: string;
  /** The command that puts it there, such as `ip netns exec NAME`. */
  readonly launcher?: readonly string[];
  /** Same seed, same chances, as far as the same chunks come in the same order. */
  readonly seed?: number;
}

interface Answer {
  readonly number: number;
  readonly answer?: Readonly<Record<string, number>>;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (answer: Readonly<Record<string, number>>) => void;
  readonly reject: (error: Error) => void;
}

const ENTRY = fileURLToPath(new URL('link-proxy.mjs', import.meta.url));

/** A running proxy. Every method resolves when it has taken effect. */
export class LinkProxy {
  readonly #options: LinkProxyOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #conditions = new Map<string, LinkConditions>();
  #orders = 0;

  private constructor(options: LinkProxyOptions) {
    this.#options = options;
    const [command, ...rest] = options.launcher ?? [];
    this.#child =
      command === undefined
        ? fork(ENTRY)
        : spawn(command, [...rest, process.execPath, ENTRY], {
            stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
          });
    this.#child.on('message', (message) => {
      const { number, answer, error } = message as Answer;
      const waiting = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error === undefined) waiting?.resolve(answer ?? {});
      else waiting?.reject(new Error(`the proxy: ${error}`));
    });
    this.#exited = new Promise((resolve) => {
      const end = (why: string): void => {
        for (const waiting of this.#waiting.values()) waiting.reject(new Error(`the proxy ${why}`));
        this.#waiting.clear();
        resolve();
      };
      this.#child.once('error', (error) => end(`could not be started: ${error.message}`));
      this.#child.once('exit', (code, signal) => end(`ended (${signal ?? String(code)})`));
    });
  }

  /** Starts one without links. */
  static start(options: LinkProxyOptions): LinkProxy {
    return new LinkProxy(options);
  }

  /** Opens a link, such as `a>b`, to an inbox; gives the place that its sender is to take for that inbox. */
  async open(link: string, target: Endpoint, conditions: Partial<LinkConditions> = {}): Promise<Endpoint> {
    if (this.#conditions.has(link)) throw new RangeError(`the link ${link} is there already`);
    const { host, seed = 1 } = this.#options;
    const all = { ...CLEAR_LINK, ...conditions };
    this.#conditions.set(link, all);
    const { port } = await this.#order('open', { link, host, target, conditions: all, seed });
    if (port === undefined) throw new TypeError('the proxy named no port');
    return { host, port };
  }

  /** The links that are open. */
  get links(): readonly string[] {
    return [...this.#conditions.keys()];
  }

  /** Changes how a link behaves from now on; what is not named stays as it is. */
  async set(link: string, conditions: Partial<LinkConditions>): Promise<void> {
    const all = { ...this.#conditionsOf(link), ...conditions };
    this.#conditions.set(link, all);
    await this.#order('set', { link, conditions: all });
  }

  /** Nothing passes any more in either direction, and nobody is told. */
  cut(link: string): Promise<void> {
    return this.set(link, { cut: true });
  }

  /** Things pass again, those first that waited. */
  restore(link: string): Promise<void> {
    return this.set(link, { cut: false });
  }

  /** Ends every connection of a link at both ends, with what was under way; gives how many there were. */
  async reset(link: string): Promise<number> {
    this.#conditionsOf(link);
    const { connections = 0 } = await this.#order('reset', { link });
    return connections;
  }

  async counts(link: string): Promise<LinkCounts> {
    this.#conditionsOf(link);
    const { connections = 0, chunks = 0, bytes = 0, lost = 0 } = await this.#order('count', { link });
    return { connections, chunks, bytes, lost };
  }

  /** Ends it and everything that goes over it. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }

  #conditionsOf(link: string): LinkConditions {
    const conditions = this.#conditions.get(link);
    if (conditions !== undefined) return conditions;
    throw new RangeError(`there is no link ${link}; there are ${this.links.join(', ')}`);
  }

  #order(order: string, rest: object): Promise<Readonly<Record<string, number>>> {
    this.#orders += 1;
    const number = this.#orders;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#child.send({ number, order, ...rest }, (error) => {
        if (error === null || !this.#waiting.delete(number)) return;
        reject(error);
      });
    });
  }
}
