/** What a measurement shows to be wrong with replicas and links, whatever the configured times are. */
import { formatDuration } from '../rig/quantity.js';
import type { LinkMeasurement, Measurement } from './take-measurement.js';

export interface Finding {
  /** An error: the rig does not work, or will not for long. */
  readonly level: 'error' | 'warning';
  /** What is the matter, a sentence without its full stop. */
  readonly what: string;
  /** What to do about it, in the imperative. */
  readonly cure: string;
}

/** A larger share of messages that are lost or late, or of ticks that a replica misses, is warned of. */
const LOSS_SHARE = 0.001;
/** Fewer ticks say little of the hundredth. */
const FEW_TICKS = 50;

/** Who did not answer, does not run, misses ticks by its own fault; and whether enough was measured. */
export function judgeReplicas({ replicas, unanswered, forUs }: Measurement): Finding[] {
  const findings: Finding[] = unanswered.map(({ id, why }) => ({
    level: 'error',
    what: `replica ${id} could not be measured`,
    cure: why,
  }));
  for (const { id, mode } of replicas) {
    if (mode === 'running') continue;
    findings.push({
      level: 'error',
      what: `replica ${id} is ${mode} and takes no part in the run`,
      cure: 'read what it prints, and measure when all run',
    });
  }
  const ticks = Math.max(0, ...replicas.map((replica) => replica.ticks));
  if (replicas.length > 0 && ticks < FEW_TICKS) {
    const seconds = Math.ceil((forUs * FEW_TICKS) / Math.max(1, ticks) / 1e6);
    findings.push({
      level: 'warning',
      what: `only ${ticks} ticks were measured`,
      cure: `measure longer: --for ${formatDuration(seconds * 1e6).replace(' ', '')}`,
    });
  }
  const missed = replicas
    .map(({ id, ticks: all, unspoken, overruns }) => ({
      name: id,
      count: Math.max(unspoken, overruns),
      of: all,
    }))
    .filter(isOften);
  if (missed.length > 0) {
    findings.push({
      level: 'warning',
      what: `silent or too late themselves: ${listShares(missed, 'ticks')}`,
      cure: 'look at the load of their machines, or lengthen the round',
    });
  }
  return findings;
}

/** Which links bring nothing, lose messages, or bring them late. */
export function judgeLinks({ links, replicas }: Measurement): Finding[] {
  const findings: Finding[] = [];
  const name = ({ from, to }: LinkMeasurement): string => `${from} > ${to}`;
  // Nobody hears of who does not run, and that has been said.
  const dead = links.filter(({ from, delay }) => delay.count === 0 && replicas.some(({ id }) => id === from));
  if (dead.length > 0) {
    findings.push({
      level: 'error',
      what: `nothing came over ${dead.map(name).join(', ')}`,
      cure: 'see that both ends run and that the network lets them through',
    });
  }
  const lossy = links
    .map((link) => ({ name: name(link), count: link.lost, of: link.expected }))
    .filter(isOften);
  if (lossy.length > 0) {
    findings.push({
      level: 'warning',
      what: `lost: ${listShares(lossy, 'messages')}`,
      cure: 'look at cable, switch or Wi-Fi: every loss uses up what is meant for faults',
    });
  }
  const late = links
    .map((link) => ({ name: name(link), count: link.late, of: link.expected }))
    .filter(isOften);
  if (late.length > 0) {
    findings.push({
      level: 'warning',
      what: `late: ${listShares(late, 'ticks')}`,
      cure: 'late is absent: lengthen the round, or find what delays them',
    });
  }
  return findings;
}

/** How often something happened to somebody. */
interface Share {
  readonly name: string;
  readonly count: number;
  readonly of: number;
}

function isOften({ count, of }: Share): boolean {
  return count > LOSS_SHARE * of;
}

/** `a 3 of 100 ticks, b 2 of 101`. */
function listShares(shares: readonly Share[], things: string): string {
  return shares
    .map(({ name, count, of }, at) => `${name} ${count} of ${of}${at === 0 ? ` ${things}` : ''}`)
    .join(', ');
}
