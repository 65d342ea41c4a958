/** Faults of a firmware bridge: its device says nothing, bits flip on the line, or the line breaks. */
import { readLastingMs } from './host-faults.js';
import type { Random } from './random.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** `bridge-hang`: the device neither hears nor says anything for a while; the line stands. */
export function buildBridgeHang(context: FaultContext): FaultWrapper {
  const { clock, count } = context;
  const ms = readLastingMs(context);
  const untilUs = clock.nowUs() + ms * 1_000;
  const isHung = (): boolean => clock.nowUs() < untilUs;
  return {
    lastsMs: ms,
    bridge: (next) => ({
      write: (bytes) => {
        if (!isHung()) return next.write(bytes);
        count();
        return true;
      },
      arrive: (bytes) => {
        if (!isHung()) next.arrive(bytes);
        else count();
      },
    }),
  };
}

/** `bridge-corrupt`: each bit on the line is flipped with a probability. */
export function buildBridgeCorrupt(context: FaultContext): FaultWrapper {
  const { parameters, random, count } = context;
  const rate = parameters.number('rate');
  const lines = [new NoisyLine(random, rate), new NoisyLine(random, rate)] as const;
  const spoil = (line: NoisyLine, bytes: Uint8Array): Uint8Array => {
    const spoilt = line.carry(bytes);
    if (spoilt !== bytes) count();
    return spoilt;
  };
  return {
    bridge: (next) => ({
      write: (bytes) => next.write(spoil(lines[0], bytes)),
      arrive: (bytes) => next.arrive(spoil(lines[1], bytes)),
    }),
  };
}

/** `bridge-reset`: the line breaks, and again whenever it stands at the start of a tick while the fault lasts. */
export function buildBridgeReset(context: FaultContext): FaultWrapper {
  return {
    lastsMs: 0,
    onTick: () => {
      if (context.cutBridge()) context.count();
    },
  };
}

/** One direction of a line on which bits flip, independently of each other. */
class NoisyLine {
  /** Bits that pass before the next one flips. */
  private clean: number;

  constructor(
    private readonly random: Random,
    private readonly rate: number,
  ) {
    this.clean = this.drawClean();
  }

  /** The bytes as they come out: the same object where none was struck. */
  carry(bytes: Uint8Array): Uint8Array {
    let carried = bytes;
    const bits = 8 * bytes.length;
    let at = this.clean;
    while (at < bits) {
      if (carried === bytes) carried = bytes.slice();
      carried[at >> 3] = (carried[at >> 3] as number) ^ (1 << (at & 7));
      at += 1 + this.drawClean();
    }
    this.clean = at - bits;
    return carried;
  }

  /** The number of failures before a success in trials of probability `rate`. */
  private drawClean(): number {
    return Math.floor(Math.log(1 - this.random.nextUnit()) / Math.log1p(-this.rate));
  }
}
