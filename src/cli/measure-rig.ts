/**
 * `voteplane check RIG --measure`: measures the links of the rig while it runs, over its control channel, as an operator.
 * It changes nothing in the rig, and needs no more than to reach the inboxes of its replicas.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { DEFAULT_TIMEOUT_MS } from '../faults/control-client.js';
import { judgeMeasurement, type Judgement } from '../measure/judge-measurement.js';
import { takeMeasurement, type Measurement } from '../measure/take-measurement.js';
import { parseDuration } from '../rig/quantity.js';
import { loadRig } from '../rig/load-rig.js';
import { readAddresses } from './addresses.js';
import { loadKeys } from './load-keys.js';
import { openControl } from './open-control.js';
import { chooseOperator } from './operator-options.js';
import { createStderrLog } from './stderr-log.js';
import { UsageError } from './usage-error.js';

/** How to reach a running rig, and for how long to look at it. */
export interface MeasureOptions {
  readonly keys?: string;
  readonly id?: string;
  readonly passphraseFile?: string;
  readonly addresses?: string;
  /** µs. */
  readonly for?: number;
  /** How long an answer is waited for, ms. */
  readonly timeout?: number;
}

/** A measurement, and what it says of the rig's settings. */
export interface Measured {
  readonly measurement: Measurement;
  readonly judgement: Judgement;
}

const DEFAULT_FOR_US = 5_000_000;
const FOR_RANGE_US = [1_000_000, 600_000_000] as const;

/** Measures the rig at `where`. Throws UsageError and KeyFileError where keys or addresses are wrong. */
export async function measureRig(where: string, options: MeasureOptions): Promise<Measured> {
  const { rig, digests } = await loadRig(where);
  const { keys: keyFile, timeout = DEFAULT_TIMEOUT_MS } = options;
  if (keyFile === undefined) {
    throw new UsageError(
      '--measure asks the replicas as an operator; give its key file: --keys operator.keys.json, from "voteplane keys generate"',
    );
  }
  const keys = await loadKeys(
    rig,
    chooseOperator(rig, options.id),
    'operator',
    keyFile,
    options.passphraseFile,
  );
  const log = createStderrLog('error');
  const replicas = rig.replicas.map(({ id }) => id);
  const control = await openControl({
    rig,
    keys,
    addresses: readAddresses(options.addresses),
    log,
    only: replicas,
    rigDigest: digests.rig,
  });
  const measurement = await takeMeasurement({
    replicas,
    periodUs: rig.periodUs,
    forUs: options.for ?? DEFAULT_FOR_US,
    ask: (replica, text) => control.client.send(replica, text, timeout),
    wait: async (us) => {
      await sleep(us / 1_000);
    },
  });
  await control.close();
  return { measurement, judgement: judgeMeasurement(rig, measurement) };
}

/** What to say where not one replica answers: why, and how they are started. */
export function describeSilence(where: string, { unanswered }: Measurement): string {
  const [first] = unanswered;
  const id = first?.id ?? 'a';
  return [
    `no replica of the rig answers (${unanswered.map((one) => one.id).join(', ')}); it must run to be measured`,
    `  ${id}: ${first?.why ?? 'it was not asked'}`,
    '  start each of them on its machine, with its own id:',
    `  voteplane replica ${where} --id ${id} --keys ${id}.keys.json --state state-${id}`,
  ].join('\n');
}

/** A time to measure, as µs. Throws InvalidArgumentError. */
export function parseMeasuringTime(text: string): number {
  const duration = parseDuration(text);
  if (!duration.ok || duration.us < FOR_RANGE_US[0] || duration.us > FOR_RANGE_US[1])
    throw new InvalidArgumentError('Give a time from 1s to 600s, such as 5s.');
  return duration.us;
}
