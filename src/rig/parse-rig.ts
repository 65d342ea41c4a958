/**
 * rig.yaml to a `Rig`, or everything that is wrong with it, each mistake with its place. Three passes: YAML
 * (`read-yaml.ts`), form (`schema.ts`), meaning (here). The meaning is checked for every part whose form is sound, so
 * one mistake does not hide another. Text in, values out: no disk, and nothing a file says makes it throw.
 */
import type { z } from 'zod';
import { deriveQuorums, refuseHypothesis } from '../core/agreement/hypothesis.js';
import type { Hypothesis } from '../core/types.js';
import { DEFAULT_BAUD, parseBridge, parseInbox } from './address.js';
import {
  countRounds,
  deriveLongestGapUs,
  derivePacketCaps,
  deriveQuorumChangeUs,
  formatBridge,
  PACKET_LIMIT_BYTES,
} from './derive.js';
import { sortMistakes, suggest } from './mistake.js';
import type { Mistake, MistakeCode } from './mistake.js';
import { formatDuration, parseDuration, parseHours, parseQuantity, SPAN_UNITS } from './quantity.js';
import { readCommands } from './read-commands.js';
import { readYaml } from './read-yaml.js';
import type { Path, Place, YamlDialect, YamlSource, YamlValue } from './read-yaml.js';
import { RELIABILITY_DEFAULTS } from './rig.js';
import type {
  ActuatorPart,
  BridgePart,
  CommandPart,
  InboxPart,
  PlantPart,
  ReliabilityPart,
  ReplicaPart,
  Rig,
  SensorPart,
  WitnessPart,
} from './rig.js';
import {
  ID_PATTERN,
  MAX_ACTUATORS,
  MAX_REPLICAS,
  MAX_SENSORS,
  MIN_REPLICAS,
  partSchemas,
  rigSchema,
} from './schema.js';
import { isMapping, pickFields, showValue, type Fields } from './yaml-form.js';

/** A default that is in force because the file says nothing: where, and what. */
export interface AppliedDefault {
  /** Dotted path, such as `actuators.elevator.vote`. */
  readonly path: string;
  readonly value: string;
}

export type ParsedRig =
  | {
      readonly ok: true;
      readonly rig: Rig;
      readonly defaults: readonly AppliedDefault[];
      readonly warnings: readonly Mistake[];
      /** Where a value stands in the file, for what is found wrong later (the law, say). */
      readonly placeOf: (path: Path) => Place;
    }
  | {
      readonly ok: false;
      readonly mistakes: readonly Mistake[];
      /** Path of the law, where the file is sound enough to tell, so that the law's mistakes can be told as well. */
      readonly lawPath: string | null;
    };

/** How a rig file that cannot be read as YAML is told of. */
export const RIG_DIALECT: YamlDialect<MistakeCode> = {
  noun: 'rig',
  size: 'VP-RIG-SIZE',
  yaml: 'VP-RIG-YAML',
};

const DEFAULT_PROCESSING_US = 2_000;
const DEFAULT_STATE_BYTES = 256;
/** Shortest and longest tick, µs. */
const PERIOD_RANGE_US = [2_000, 10_000_000] as const;
const MIN_ROUND_US = 200;
const MAX_HOLD_US = 60_000_000;
/** Shortest and longest span of a reliability model, hours: a second, and over a hundred thousand years. */
const MIN_HOURS = 1 / 3600;
const MAX_HOURS = 1e9;
const MAX_COUNT = 2_147_483_647;

/** Reads the text of a rig file; `file` is what mistakes call it. Never throws. */
export function parseRig(text: string, file: string): ParsedRig {
  const yaml = readYaml(text, file, RIG_DIALECT);
  if (!yaml.ok) return { ...yaml, lawPath: null };
  const reader = new RigReader(yaml.source, file);
  const rig = reader.read();
  if (rig === null) {
    return { ok: false, mistakes: sortMistakes(reader.mistakes), lawPath: reader.lawPath };
  }
  return {
    ok: true,
    rig,
    defaults: reader.defaults,
    warnings: sortMistakes(reader.warnings),
    placeOf: (path) => yaml.source.placeOf(path),
  };
}

class RigReader {
  readonly mistakes: Mistake[] = [];
  readonly warnings: Mistake[] = [];
  readonly defaults: AppliedDefault[] = [];
  lawPath: string | null = null;
  private readonly top: Fields<typeof rigSchema.shape>;
  private readonly raw: { readonly [key: string]: YamlValue };

  constructor(
    private readonly source: YamlSource,
    private readonly file: string,
  ) {
    const { value } = source;
    this.raw = isMapping(value) ? value : {};
    const checked = rigSchema.safeParse(value);
    if (!checked.success) for (const issue of checked.error.issues) this.reportIssue(issue, []);
    this.top = pickFields(rigSchema.shape, this.raw);
  }

  /** The rig, or null when there are mistakes. */
  read(): Rig | null {
    const { top } = this;
    const replicas = this.readReplicas();
    const witness = this.readWitness();
    const hypothesis = this.readHypothesis(replicas.count);
    this.checkWitness(hypothesis, replicas.count);
    const timing = this.readTiming(hypothesis);
    const sensors = this.readSensors(hypothesis, replicas.count, timing.periodUs);
    const actuators = this.readActuators(hypothesis, replicas.count, timing);
    const law = this.readLaw();
    this.checkIds();
    this.checkAddresses(replicas.parts, actuators, witness);
    const operators = top.operators ?? this.useDefault(['operators'], [], 'nobody');
    const observers = top.observers ?? this.useDefault(['observers'], [], 'nobody');
    const commands = this.readCommands(operators, actuators, replicas.parts);
    const mac = top.mac ?? this.useDefault(['mac'], 'hmac-256', 'hmac-256');
    const confidential = top.confidential ?? this.useDefault(['confidential'], false, 'false');
    const faults = top.faults ?? this.useDefault(['faults'], 'disabled', 'disabled');
    const expect = top.expect ?? this.useDefault(['expect'], 'masked', 'masked');
    const reliability = this.readReliability();
    const { periodUs, roundUs, processingUs } = timing;
    const holes = [top.rig, hypothesis, periodUs, roundUs, processingUs, law];
    if (this.mistakes.length > 0 || holes.some((one) => one === undefined)) return null;
    const rig: Rig = {
      id: top.rig as string,
      hypothesis: hypothesis as Hypothesis,
      periodUs: periodUs as number,
      roundUs: roundUs as number,
      processingUs: processingUs as number,
      mac,
      confidential,
      replicas: replicas.parts,
      witness,
      sensors,
      actuators,
      operators,
      observers,
      commands,
      faultInjection: faults === 'enabled',
      expect,
      law: law as Rig['law'],
      plant: this.readPlant(),
      tour: top.tour ?? [],
      flights: top.flights ?? [],
      reliability,
    };
    return this.checkPackets(rig) ? rig : null;
  }

  // ------------------------------------------------------------------------------------------- parts

  private readReplicas(): { readonly count: number | undefined; readonly parts: ReplicaPart[] } {
    const entries = this.listParts('replicas');
    if (entries === undefined) return { count: undefined, parts: [] };
    const parts: ReplicaPart[] = [];
    for (const [id, value] of entries) {
      const fields = pickFields(partSchemas.replica.shape, value);
      const inbox = this.readInbox(['replicas', id, 'inbox'], fields.inbox);
      const bridge = this.readBridge(['replicas', id, 'bridge'], fields.bridge);
      if (inbox !== undefined && bridge !== undefined) parts.push({ id, inbox, bridge });
    }
    const count = entries.length;
    if (count < MIN_REPLICAS || count > MAX_REPLICAS) {
      const what = `the rig has ${count} replica${count === 1 ? '' : 's'}`;
      this.report('VP-RIG-REPLICAS', ['replicas'], what, `List ${MIN_REPLICAS} to ${MAX_REPLICAS}`, 'key');
      return { count: undefined, parts };
    }
    return { count, parts };
  }

  private readWitness(): WitnessPart | null {
    const given = this.raw['witness'];
    if (given === undefined) return null;
    const { id, inbox: address } = pickFields(partSchemas.witness.shape, given);
    const inbox = this.readInbox(['witness', 'inbox'], address);
    return id === undefined || inbox === undefined ? null : { id, inbox };
  }

  /** Whether a witness is asked for, well formed or not. */
  private get hasWitness(): boolean {
    return 'witness' in this.raw;
  }

  /** A witness takes the place of a third replica, by the order in which commands are chosen, and of nothing else. */
  private checkWitness(hypothesis: Hypothesis | undefined, n: number | undefined): void {
    if (!this.hasWitness) return;
    const refuse = (what: string, cure: string): void =>
      this.report('VP-RIG-WITNESS', ['witness'], what, cure, 'key');
    if (hypothesis !== undefined && (hypothesis.kind !== 'crash' || hypothesis.f !== 1))
      refuse(
        'a witness helps where one replica may crash',
        'Write hypothesis: { crash: 1 }, or remove witness',
      );
    if (n !== undefined && n !== 2)
      refuse(
        `a witness stands beside two replicas; the rig has ${n}`,
        n === 3 ? 'Remove witness: three replicas need none' : 'List two replicas, or remove witness',
      );
    const { commands } = this.raw;
    if (!isMapping(commands) || Object.keys(commands).length === 0)
      refuse(
        'a witness votes in the order of commands, and the rig has no commands',
        'Add commands:, such as { close: { built-in: disarm } }, or use three replicas',
      );
  }

  private readHypothesis(n: number | undefined): Hypothesis | undefined {
    const given = this.top.hypothesis;
    if (given === undefined) return undefined;
    let hypothesis: Hypothesis;
    if (given === 'none') hypothesis = { kind: 'none' };
    else if ('byzantine' in given) {
      const authenticators =
        given.authenticators ?? this.useDefault(['hypothesis', 'authenticators'], 'mac' as const, 'mac');
      hypothesis = { kind: 'byzantine', f: given.byzantine, authenticators };
    } else {
      hypothesis = { kind: 'crash', f: given.crash };
    }
    const refusal = n === undefined ? null : refuseHypothesis(hypothesis, n, this.hasWitness);
    if (refusal !== null && n !== undefined) {
      this.report('VP-RIG-HYPOTHESIS', ['hypothesis'], refusal, cureHypothesis(hypothesis, n));
      return undefined;
    }
    return hypothesis;
  }

  private readTiming(hypothesis: Hypothesis | undefined): Timing {
    const { top } = this;
    const periodUs = this.readDuration(['period'], top.period, PERIOD_RANGE_US[0], PERIOD_RANGE_US[1], true);
    const roundUs = this.readDuration(['round'], top.round, MIN_ROUND_US, PERIOD_RANGE_US[1]);
    const processingUs =
      'processing' in this.raw
        ? this.readDuration(['processing'], top.processing, 0, PERIOD_RANGE_US[1])
        : this.useDefault(['processing'], DEFAULT_PROCESSING_US, formatDuration(DEFAULT_PROCESSING_US));
    if (
      hypothesis === undefined ||
      periodUs === undefined ||
      roundUs === undefined ||
      processingUs === undefined
    ) {
      return { periodUs, roundUs, processingUs };
    }
    const rounds = countRounds(hypothesis);
    const needed = rounds * roundUs + processingUs;
    if (needed > periodUs) {
      const longest = Math.floor((periodUs - processingUs) / rounds);
      const sum = `${rounds} × ${formatDuration(roundUs)} + ${formatDuration(processingUs)} = ${formatDuration(needed)}`;
      this.report(
        'VP-RIG-TIMING',
        ['round'],
        `(f+1)·R + processing = ${sum}, longer than the period of ${formatDuration(periodUs)}`,
        longest >= MIN_ROUND_US
          ? `Shorten the round to at most ${formatDuration(longest)}, or lengthen the period to ${formatDuration(needed)}`
          : `Lengthen the period to ${formatDuration(needed)}`,
      );
    }
    return { periodUs, roundUs, processingUs };
  }

  private readSensors(
    hypothesis: Hypothesis | undefined,
    n: number | undefined,
    periodUs: number | undefined,
  ): SensorPart[] {
    const entries = this.listParts('sensors', MAX_SENSORS) ?? [];
    const parts: SensorPart[] = [];
    const channels = new Map<number, string>();
    entries.forEach(([id, value], index) => {
      const at: Path = ['sensors', id];
      const fields = pickFields(partSchemas.sensor.shape, value);
      const type = fields.type ?? this.useDefault([...at, 'type'], 'number' as const, 'number');
      const measure =
        type === 'number'
          ? this.readMeasure(at, fields)
          : this.readNoMeasure(at, isMapping(value) ? value : {});
      const fusion = this.readFusion(at, type, fields.fusion, hypothesis, n);
      const required = fields.required ?? this.useDefault([...at, 'required'], true, 'true');
      const channel = fields.channel ?? this.useDefault([...at, 'channel'], index, String(index));
      const other = channels.get(channel);
      if (other !== undefined) {
        const what = `sensors ${other} and ${id} are both channel ${channel} of a bridge`;
        this.report(
          'VP-RIG-CHANNEL-TWICE',
          [...at, 'channel'],
          what,
          'Give each sensor a channel of its own',
        );
      }
      channels.set(channel, id);
      const maxAgeUs = this.readOptionalDuration(
        [...at, 'max-age'],
        fields['max-age'],
        periodUs,
        'one period',
      );
      const fivePeriods = periodUs === undefined ? undefined : 5 * periodUs;
      const holdUs = this.readOptionalDuration([...at, 'hold'], fields.hold, fivePeriods, 'five periods');
      if (measure === null || fusion === null || maxAgeUs === undefined || holdUs === undefined) return;
      parts.push({ id, type, ...measure, required, fusion, maxAgeUs, holdUs, channel });
    });
    return parts;
  }

  /** Unit, range and spread of a sensor of numbers. */
  private readMeasure(at: Path, fields: Fields<typeof partSchemas.sensor.shape>): Measure | null {
    const { unit, range, spread } = fields;
    const given = this.valueAt(at);
    for (const key of ['unit', 'range', 'spread']) {
      if (isMapping(given) && !(key in given)) {
        this.report(
          'VP-RIG-REQUIRED',
          at,
          `sensor ${at[1]} has no ${key}`,
          `Add ${key}, or say type: boolean`,
          'key',
        );
      }
    }
    const min = unit === undefined ? undefined : this.readAmount([...at, 'range', 0], range?.[0], unit);
    const max = unit === undefined ? undefined : this.readAmount([...at, 'range', 1], range?.[1], unit);
    const width = unit === undefined ? undefined : this.readAmount([...at, 'spread'], spread, unit);
    if (min !== undefined && max !== undefined && min >= max) {
      this.report(
        'VP-RIG-RANGE',
        [...at, 'range'],
        `${min} is not below ${max}`,
        'Write the lower end first',
      );
    }
    if (width !== undefined && width <= 0) {
      const cure = 'Say how far apart correct channels may read, noise and bias included';
      this.report(
        'VP-RIG-RANGE',
        [...at, 'spread'],
        `a spread of ${width} ${unit} leaves no room for noise`,
        cure,
      );
    }
    if (unit === undefined || min === undefined || max === undefined || width === undefined) return null;
    return { unit, min, max, spread: width };
  }

  /** A boolean sensor measures nothing. */
  private readNoMeasure(at: Path, given: { readonly [key: string]: YamlValue }): Measure {
    for (const key of ['unit', 'range', 'spread']) {
      if (key in given) {
        const what = `a boolean sensor has no ${key}`;
        this.report('VP-RIG-KEY', [...at, key], what, `Remove ${key}, or say type: number`, 'key');
      }
    }
    return { unit: '', min: 0, max: 1, spread: 0 };
  }

  private readFusion(
    at: Path,
    type: 'number' | 'boolean',
    given: z.output<typeof partSchemas.sensor.shape.fusion>,
    hypothesis: Hypothesis | undefined,
    n: number | undefined,
  ): SensorPart['fusion'] | null {
    const path = [...at, 'fusion'];
    const quorums = hypothesis === undefined || n === undefined ? null : deriveQuorums(hypothesis, n);
    // Of two channels none can be outvoted: what is left of them when a replica is gone has to be believed.
    const liars = this.hasWitness ? 0 : (quorums?.maxFaulty ?? 0);
    if (given === undefined) {
      if (type === 'number') return this.useDefault(path, 'mid-value' as const, 'mid-value');
      if (quorums === null) return null;
      const atLeast = liars + 1;
      return this.useDefault(path, { atLeast }, `at least ${atLeast} of ${n}`);
    }
    if (typeof given === 'string') {
      if (type === 'number') return given;
      const what = `${given} is for numbers; this sensor is a boolean`;
      this.report('VP-RIG-FUSION', path, what, 'Write fusion: { at-least: m }');
      return null;
    }
    const atLeast = given['at-least'];
    if (type === 'number') {
      const what = 'at-least is for booleans; this sensor is a number';
      this.report('VP-RIG-FUSION', path, what, 'Write fusion: mid-value, midpoint or mean');
      return null;
    }
    if (quorums !== null && (atLeast <= liars || atLeast > quorums.minPresent)) {
      const { maxFaulty, minPresent } = quorums;
      const why =
        atLeast <= liars
          ? `${maxFaulty} faulty of ${n} could make it true by themselves`
          : `${maxFaulty} faulty of ${n} could keep it false by their silence`;
      const cure = this.hasWitness
        ? 'Write at-least: 1'
        : `Write at-least: ${maxFaulty + 1}${minPresent > maxFaulty + 1 ? ` to ${minPresent}` : ''} (f < m ≤ n−f)`;
      this.report('VP-RIG-FUSION', [...path, 'at-least'], `at least ${atLeast} of ${n}: ${why}`, cure);
      return null;
    }
    return { atLeast };
  }

  private readActuators(
    hypothesis: Hypothesis | undefined,
    n: number | undefined,
    timing: Timing,
  ): ActuatorPart[] {
    const entries = this.listParts('actuators', MAX_ACTUATORS) ?? [];
    const parts: ActuatorPart[] = [];
    const channels = new Map<string, string>();
    for (const [id, value] of entries) {
      const at: Path = ['actuators', id];
      const fields = pickFields(partSchemas.actuator.shape, value);
      const range = this.readEnvelope(at, fields);
      const vote = fields.vote ?? this.useDefault([...at, 'vote'], 'exact' as const, 'exact');
      if (vote === 'mid-value') this.checkMidValueVote([...at, 'vote'], hypothesis, n);
      const rearm = fields.rearm ?? this.useDefault([...at, 'rearm'], 'operator' as const, 'operator');
      const inbox = this.readInbox([...at, 'inbox'], fields.inbox);
      const bridge = this.readBridge([...at, 'bridge'], fields.bridge);
      const channel = fields.channel ?? this.useDefault([...at, 'channel'], 0, '0');
      const holdUs = this.readDuration([...at, 'hold'], fields.hold, 1, MAX_HOLD_US);
      if (holdUs !== undefined) this.checkHold([...at, 'hold'], holdUs, hypothesis, timing);
      if (bridge !== undefined) {
        const output = `${formatBridge(bridge)} channel ${channel}`;
        const other = channels.get(output);
        if (other !== undefined) {
          const what = `actuators ${other} and ${id} are both ${output}`;
          this.report(
            'VP-RIG-CHANNEL-TWICE',
            [...at, 'channel'],
            what,
            'Give each actuator an output of its own',
          );
        }
        channels.set(output, id);
      }
      if (range === null || inbox === undefined || bridge === undefined || holdUs === undefined) continue;
      parts.push({ id, ...range, vote, holdUs, rearm, inbox, bridge, channel });
    }
    return parts;
  }

  /** Unit, resolution, envelope and fail-safe output, the latter three in counts. */
  private readEnvelope(at: Path, fields: Fields<typeof partSchemas.actuator.shape>): CountRange | null {
    const { unit } = fields;
    if (unit === undefined) return null;
    const resolution = this.readAmount([...at, 'resolution'], fields.resolution, unit);
    const min = this.readAmount([...at, 'envelope', 0], fields.envelope?.[0], unit);
    const max = this.readAmount([...at, 'envelope', 1], fields.envelope?.[1], unit);
    const failSafe = this.readAmount([...at, 'fail-safe'], fields['fail-safe'], unit);
    if (resolution !== undefined && resolution <= 0) {
      const what = `a resolution of ${resolution} ${unit} is none`;
      this.report(
        'VP-RIG-RANGE',
        [...at, 'resolution'],
        what,
        `Write the size of one count, such as 0.001 ${unit}`,
      );
      return null;
    }
    if (min !== undefined && max !== undefined && min >= max) {
      const path = [...at, 'envelope'];
      this.report('VP-RIG-RANGE', path, `${min} is not below ${max}`, 'Write the lower end first');
      return null;
    }
    if (
      min !== undefined &&
      max !== undefined &&
      failSafe !== undefined &&
      (failSafe < min || failSafe > max)
    ) {
      const what = `the fail-safe output ${failSafe} ${unit} lies outside the envelope ${min} … ${max}`;
      this.report('VP-RIG-RANGE', [...at, 'fail-safe'], what, 'Choose one inside, or widen the envelope');
      return null;
    }
    if (resolution === undefined) return null;
    const minCount = this.toCount([...at, 'envelope', 0], min, resolution, unit);
    const maxCount = this.toCount([...at, 'envelope', 1], max, resolution, unit);
    const failSafeCount = this.toCount([...at, 'fail-safe'], failSafe, resolution, unit);
    if (minCount === undefined || maxCount === undefined || failSafeCount === undefined) return null;
    return { unit, resolution, minCount, maxCount, failSafeCount };
  }

  private toCount(
    path: Path,
    value: number | undefined,
    resolution: number,
    unit: string,
  ): number | undefined {
    if (value === undefined) return undefined;
    const counts = value / resolution;
    const whole = Math.round(counts) + 0;
    if (Math.abs(whole) > MAX_COUNT) {
      const what = `${value} ${unit} is ${whole} counts of ${resolution} ${unit}, beyond 32 bits`;
      this.report('VP-RIG-RANGE', path, what, 'Choose a coarser resolution');
      return undefined;
    }
    if (Math.abs(counts - whole) > 1e-6 * Math.max(1, Math.abs(counts))) {
      const what = `${value} ${unit} is no whole number of counts of ${resolution} ${unit}`;
      this.report(
        'VP-RIG-RANGE',
        path,
        what,
        `Write ${roundTo(whole * resolution)} ${unit}, or a finer resolution`,
      );
      return undefined;
    }
    return whole;
  }

  private checkMidValueVote(path: Path, hypothesis: Hypothesis | undefined, n: number | undefined): void {
    if (hypothesis === undefined || n === undefined) return;
    const { maxFaulty } = deriveQuorums(hypothesis, n);
    if (n >= 3 * maxFaulty + 1) return;
    const what = `mid-value voting needs n ≥ 3f+1 = ${3 * maxFaulty + 1} replicas; the rig has ${n} and f = ${maxFaulty}`;
    this.report('VP-RIG-VOTE', path, what, 'Write vote: exact, or add replicas');
  }

  private checkHold(path: Path, holdUs: number, hypothesis: Hypothesis | undefined, timing: Timing): void {
    const { periodUs, roundUs, processingUs } = timing;
    if (periodUs === undefined) return;
    if (holdUs < periodUs) {
      const what = `a hold of ${formatDuration(holdUs)} ends before the next tick, ${formatDuration(periodUs)} later`;
      this.report('VP-RIG-HOLD', path, what, `Write at least ${formatDuration(2 * periodUs)}`);
      return;
    }
    if (hypothesis === undefined || roundUs === undefined || processingUs === undefined) return;
    const { hasWitness } = this;
    const gapUs = deriveLongestGapUs({ hypothesis, periodUs, roundUs, processingUs, hasWitness });
    if (hasWitness && holdUs < gapUs) {
      const changeUs = deriveQuorumChangeUs({ roundUs });
      const what =
        `when a replica dies the other goes on within ${formatDuration(gapUs)}, of which ${formatDuration(changeUs)} until the ` +
        `witness has voted, and hold is ${formatDuration(holdUs)}`;
      this.report(
        'VP-RIG-HOLD',
        path,
        what,
        `Write at least ${formatDuration(gapUs)}; where the plant cannot stand still for so long, use three replicas`,
      );
      return;
    }
    if (holdUs < gapUs) {
      const what = `two outputs may lie ${formatDuration(gapUs)} apart without any fault beyond the hypothesis, and hold is ${formatDuration(holdUs)}`;
      this.warn(
        'VP-RIG-HOLD',
        path,
        what,
        `Write at least ${formatDuration(gapUs)}, or the actuator may trip`,
      );
    }
  }

  private readLaw(): Rig['law'] | undefined {
    const { law } = this.top;
    if (law === undefined) return undefined;
    const path = typeof law === 'string' ? law : law.path;
    const at: Path = typeof law === 'string' ? ['law'] : ['law', 'path'];
    if (this.checkPath(at, path)) this.lawPath = path;
    if (!/\.(?:ts|js|mts|mjs)$/.test(path)) {
      const what = `${JSON.stringify(path)} is neither TypeScript nor JavaScript`;
      this.report('VP-RIG-TYPE', at, what, 'Name a file that ends in .ts or .js');
    }
    const given = typeof law === 'string' ? undefined : law['state-max'];
    const stateMaxBytes =
      given ?? this.useDefault(['law', 'state-max'], DEFAULT_STATE_BYTES, `${DEFAULT_STATE_BYTES} bytes`);
    return { path, stateMaxBytes };
  }

  private readCommands(
    operators: readonly string[],
    actuators: readonly ActuatorPart[],
    replicas: readonly ReplicaPart[],
  ): readonly CommandPart[] {
    const { hasWitness } = this;
    return readCommands(
      this.raw['commands'],
      operators,
      { actuators, replicas, hasWitness },
      {
        report: (code, path, what, cure, at) => this.report(code, path, what, cure, at),
        useDefault: (path, value, inWords) => this.useDefault(path, value, inWords),
        readAmount: (path, given, unit) => this.readAmount(path, given, unit),
      },
    );
  }

  private readPlant(): PlantPart | null {
    const { plant } = this.top;
    (this.top.flights ?? []).forEach((flight, index) => this.checkPath(['flights', index], flight));
    return plant === undefined ? null : { model: plant.model, parameters: { ...plant.parameters } };
  }

  private readReliability(): ReliabilityPart {
    const fields = pickFields(partSchemas.reliability.shape, this.raw['reliability'] ?? null);
    const assumed: (keyof typeof RELIABILITY_DEFAULTS)[] = [];
    const readHours = (key: keyof typeof RELIABILITY_DEFAULTS): number => {
      const path = ['reliability', key];
      const given = fields[key];
      if (given === undefined) {
        assumed.push(key);
        const standard = RELIABILITY_DEFAULTS[key];
        return parseHours(this.useDefault(path, standard, `${standard} (assumed)`)) as number;
      }
      const hours = parseHours(given);
      if (hours !== null && hours >= MIN_HOURS && hours <= MAX_HOURS) return hours;
      const unit = parseQuantity(given)?.unit ?? '';
      if (SPAN_UNITS.includes(unit)) {
        const cure = `Write a time from 1 s to ${MAX_HOURS} h`;
        this.report('VP-RIG-RANGE', path, `${JSON.stringify(given)} is no span of a reliability model`, cure);
      } else {
        const what = `${JSON.stringify(given)}: ${unit} is no unit of long times`;
        this.report('VP-RIG-UNIT', path, what, `Write it in ${SPAN_UNITS.join(', ')}`);
      }
      return NaN;
    };
    return {
      replicaMtbfHours: readHours('replica-mtbf'),
      repairHours: readHours('repair'),
      missionHours: readHours('mission'),
      assumed,
    };
  }

  // ------------------------------------------------------------------------------------------- across parts

  /** One name space for all who send or receive: an id stands in topics, keys, faults and reports. */
  private checkIds(): void {
    const seen = new Map<string, string>();
    const add = (id: string, kind: string, path: Path): void => {
      const other = seen.get(id);
      if (other === undefined) seen.set(id, kind);
      else {
        const what = `the id ${id} is already that of ${other}`;
        this.report('VP-RIG-ID-TWICE', path, what, 'Choose another; ids are unique over all kinds', 'key');
      }
    };
    for (const [key, kind] of [
      ['replicas', 'a replica'],
      ['actuators', 'an actuator'],
    ] as const) {
      const part = this.raw[key];
      if (isMapping(part)) for (const id of Object.keys(part)) add(id, kind, [key, id]);
    }
    const { witness } = this.top;
    if (witness !== undefined) add(witness.id, 'the witness', ['witness', 'id']);
    (this.top.operators ?? []).forEach((id, index) => add(id, 'an operator', ['operators', index]));
    (this.top.observers ?? []).forEach((id, index) => add(id, 'an observer', ['observers', index]));
    for (const reserved of ['world', 'broker']) {
      const kind = seen.get(reserved);
      if (kind !== undefined) {
        const cure = 'Choose another id';
        const path = this.findId(reserved);
        this.report(
          'VP-RIG-ID',
          path,
          `${reserved} has a meaning of its own in fault specifications`,
          cure,
          'key',
        );
      }
    }
  }

  private findId(id: string): Path {
    for (const key of ['replicas', 'actuators']) {
      const part = this.raw[key];
      if (isMapping(part) && id in part) return [key, id];
    }
    if (this.top.witness?.id === id) return ['witness', 'id'];
    for (const key of ['operators', 'observers'] as const) {
      const index = (this.top[key] ?? []).indexOf(id);
      if (index >= 0) return [key, index];
    }
    return [];
  }

  private checkAddresses(
    replicas: readonly ReplicaPart[],
    actuators: readonly ActuatorPart[],
    witness: WitnessPart | null,
  ): void {
    const embedded = new Map<string, string>();
    const external = new Map<string, string[]>();
    const bridges = new Map<string, string[]>();
    const owners = [
      ...replicas.map((part) => ({ part, at: ['replicas', part.id] as Path })),
      ...actuators.map((part) => ({ part, at: ['actuators', part.id] as Path })),
    ];
    const inboxOwners = witness === null ? owners : [...owners, { part: witness, at: ['witness'] as Path }];
    for (const { part, at } of inboxOwners) {
      const { inbox } = part;
      if (inbox.kind === 'external') {
        append(external, inbox.url.slice('mqtt://'.length), part.id);
        continue;
      }
      const address = `${inbox.host}:${inbox.port}`;
      const other = embedded.get(address);
      if (other !== undefined) {
        const what = `${other} and ${part.id} cannot both have their inbox at ${address}`;
        this.report('VP-RIG-ADDRESS-TWICE', [...at, 'inbox'], what, 'Give each a port of its own');
      }
      embedded.set(address, part.id);
    }
    for (const { part, at } of inboxOwners) {
      const { inbox } = part;
      const landlord =
        inbox.kind === 'external' ? embedded.get(inbox.url.slice('mqtt://'.length)) : undefined;
      if (landlord !== undefined) {
        const what = `the inbox of ${part.id} is the broker inside ${landlord}, which may be the faulty one`;
        this.report('VP-RIG-ADDRESS-TWICE', [...at, 'inbox'], what, 'Use an own or an independent broker');
      }
    }
    for (const { part, at } of owners) {
      append(bridges, formatBridge(part.bridge), part.id);
      const { bridge } = part;
      if (bridge.kind === 'tcp' && embedded.has(`${bridge.host}:${bridge.port}`)) {
        const what = `the bridge of ${part.id} has the address of the inbox of ${embedded.get(`${bridge.host}:${bridge.port}`)}`;
        this.report('VP-RIG-ADDRESS-TWICE', [...at, 'bridge'], what, 'Give each a port of its own');
      }
    }
    for (const [address, ids] of external) {
      if (ids.length > 1) {
        const what = `${ids.join(', ')} have their inbox at one broker, mqtt://${address}: a single point of failure for availability, not for safety`;
        this.warn(
          'VP-RIG-SINGLE-POINT',
          this.pathOf(ids[0] as string),
          what,
          'Give each a broker of its own',
        );
      }
    }
    const replicaIds = new Set(replicas.map((part) => part.id));
    for (const [address, ids] of bridges) {
      if (ids.length > 1 && ids.some((id) => replicaIds.has(id))) {
        const what = `${ids.join(', ')} share the firmware bridge ${address}: its failure takes them all`;
        this.warn(
          'VP-RIG-SINGLE-POINT',
          this.pathOf(ids[0] as string),
          what,
          'Give each replica a bridge of its own',
        );
      }
    }
  }

  private pathOf(id: string): Path {
    const { replicas } = this.raw;
    if (this.top.witness?.id === id) return ['witness'];
    return isMapping(replicas) && id in replicas ? ['replicas', id] : ['actuators', id];
  }

  private checkPackets(rig: Rig): boolean {
    let sound = true;
    for (const [purpose, bytes] of Object.entries(derivePacketCaps(rig))) {
      if (bytes <= PACKET_LIMIT_BYTES) continue;
      sound = false;
      const what = `a ${purpose} message may take ${bytes} bytes, more than the ${PACKET_LIMIT_BYTES} that an inbox accepts`;
      const path = purpose === 'state' ? ['law'] : ['sensors'];
      const cure =
        purpose === 'state' ? 'Keep less state' : 'Use fewer sensors or actuators, fewer replicas or MACs';
      this.report('VP-RIG-PACKET', path, what, cure, 'key');
    }
    return sound;
  }

  // ------------------------------------------------------------------------------------------- values

  private readDuration(
    path: Path,
    text: string | undefined,
    minUs: number,
    maxUs: number,
    allowRate = false,
  ): number | undefined {
    if (text === undefined) return undefined;
    const duration = parseDuration(text, allowRate);
    if (!duration.ok) {
      if (duration.why === 'wrong-unit') {
        const units = `us, ms or s${allowRate ? ', or Hz for a rate' : ''}`;
        const given = `${JSON.stringify(text)}: ${duration.unit} is no unit of time`;
        this.report(
          'VP-RIG-UNIT',
          path,
          given,
          `Write it in ${units}${suggest(duration.unit, ['us', 'ms', 's'])}`,
        );
      } else {
        const what = `${JSON.stringify(text)} is no whole number of microseconds`;
        this.report('VP-RIG-QUANTITY', path, what, 'Round it, and write it in us, ms or s');
      }
      return undefined;
    }
    if (duration.us < minUs || duration.us > maxUs) {
      const what = `${text} is outside ${formatDuration(minUs)} … ${formatDuration(maxUs)}`;
      this.report('VP-RIG-RANGE', path, what, 'Choose a time within');
      return undefined;
    }
    return duration.us;
  }

  private readOptionalDuration(
    path: Path,
    text: string | undefined,
    defaultUs: number | undefined,
    inWords: string,
  ): number | undefined {
    if (text !== undefined) return this.readDuration(path, text, 1, MAX_HOLD_US);
    if (defaultUs === undefined || this.valueAt(path) !== undefined) return undefined;
    return this.useDefault(path, defaultUs, `${formatDuration(defaultUs)} (${inWords})`);
  }

  /** A number, or a quantity in exactly this unit. */
  private readAmount(path: Path, given: number | string | undefined, unit: string): number | undefined {
    if (given === undefined) return undefined;
    if (typeof given === 'number') return given + 0;
    const quantity = parseQuantity(given);
    if (quantity === null) return undefined;
    if (quantity.unit === unit) return quantity.value;
    const what = `${JSON.stringify(given)} is in ${quantity.unit}, but unit: says ${unit}`;
    this.report('VP-RIG-UNIT', path, what, `Write it in ${unit}`);
    return undefined;
  }

  private readInbox(path: Path, text: string | undefined): InboxPart | undefined {
    if (text === undefined) return undefined;
    const inbox = parseInbox(text);
    if (inbox !== null) return inbox;
    const cure = 'Write host:port for a broker of its own, or mqtt://host:port for an external one';
    this.report('VP-RIG-ADDRESS', path, `${JSON.stringify(text)} is no address of an inbox`, cure);
    return undefined;
  }

  private readBridge(path: Path, text: string | undefined): BridgePart | undefined {
    if (text === undefined) return undefined;
    const bridge = parseBridge(text);
    if (bridge === null) {
      const cure = 'Write tcp://host:port or serial:/dev/ttyACM0?baud=115200';
      this.report('VP-RIG-ADDRESS', path, `${JSON.stringify(text)} is no address of a firmware bridge`, cure);
      return undefined;
    }
    if (bridge.kind === 'serial' && !text.includes('?')) {
      this.useDefault([...path, 'baud'], bridge.baud, String(DEFAULT_BAUD));
    }
    return bridge;
  }

  private checkPath(path: Path, text: string): boolean {
    if (/^(?:[/\\]|[A-Za-z]:)/.test(text) || text.includes('\\') || text.includes('\0')) {
      const what = `${JSON.stringify(text)} is not a path from this folder`;
      this.report('VP-RIG-TYPE', path, what, 'Write a relative path with forward slashes');
      return false;
    }
    return true;
  }

  /** Entries of a mapping of parts, in the file's order; undefined where there is no such mapping. */
  private listParts(
    key: 'replicas' | 'sensors' | 'actuators',
    max?: number,
  ): [string, YamlValue][] | undefined {
    const value = this.raw[key];
    if (!isMapping(value)) return undefined;
    const entries = Object.entries(value);
    if (max !== undefined && (entries.length < 1 || entries.length > max)) {
      this.report('VP-RIG-RANGE', [key], `the rig has ${entries.length} ${key}`, `List 1 to ${max}`, 'key');
    }
    return entries;
  }

  private useDefault<T>(path: Path, value: T, inWords: string): T {
    // What is there and wrong has been reported; it is no default.
    if (this.valueAt(path) === undefined) this.defaults.push({ path: path.join('.'), value: inWords });
    return value;
  }

  private valueAt(path: Path): YamlValue | undefined {
    let value: YamlValue | undefined = this.source.value;
    for (const step of path) {
      if (Array.isArray(value)) value = typeof step === 'number' ? value[step] : undefined;
      else if (isMapping(value)) value = Object.hasOwn(value, step) ? value[step] : undefined;
      else return undefined;
    }
    return value;
  }

  // ------------------------------------------------------------------------------------------- mistakes

  private report(
    code: MistakeCode,
    path: Path,
    what: string,
    cure: string,
    at: 'key' | 'value' = 'value',
  ): void {
    this.mistakes.push(this.place(code, path, what, cure, at));
  }

  private warn(code: MistakeCode, path: Path, what: string, cure: string): void {
    this.warnings.push(this.place(code, path, what, cure, 'value'));
  }

  private place(code: MistakeCode, path: Path, what: string, cure: string, at: 'key' | 'value'): Mistake {
    const place = at === 'key' ? this.source.placeOfKey(path) : this.source.placeOf(path);
    return { code, file: this.file, line: place.line, column: place.column, what, cure };
  }

  /** One complaint of the schema, told in a person's words. */
  private reportIssue(issue: z.core.$ZodIssue, around: Path): void {
    const path = [...around, ...issue.path] as (string | number)[];
    const value = this.valueAt(path);
    const name = path.length === 0 ? 'the file' : path.join('.');
    if (value === undefined && issue.code !== 'invalid_key') {
      const key = String(path.at(-1));
      const what =
        path.length === 1 ? `the rig has no ${key}` : `${path.slice(0, -1).join('.')} has no ${key}`;
      this.report('VP-RIG-REQUIRED', path.slice(0, -1), what, `Add ${key}: …`, 'key');
      return;
    }
    switch (issue.code) {
      case 'unrecognized_keys': {
        const known = this.listKnownKeys(path);
        for (const key of issue.keys) {
          const hint = suggest(key, known);
          const cure = hint === '' ? `Known here: ${known.join(', ')}` : `Write what is meant${hint}`;
          this.report(
            'VP-RIG-KEY',
            [...path, key],
            `${JSON.stringify(key)} is no key of ${name}`,
            cure,
            'key',
          );
        }
        return;
      }
      case 'invalid_key':
        this.reportId(path, String(path.at(-1)), 'key');
        this.checkPart(path, value);
        return;
      case 'invalid_value': {
        const choices = issue.values.map(String);
        const what = `${name} is ${showValue(value)}`;
        const cure = `Write ${choices.length === 1 ? choices[0] : `one of ${choices.join(', ')}`}${typeof value === 'string' ? suggest(value, choices) : ''}`;
        this.report('VP-RIG-CHOICE', path, what, cure);
        return;
      }
      case 'invalid_union': {
        if (issue.message === 'amount' || issue.message === 'parameter') break;
        if (value === null) {
          this.report('VP-RIG-REQUIRED', path, `${name} has no value`, 'Write one, or remove the key', 'key');
          return;
        }
        const branch = chooseBranch(issue.errors);
        if (branch === null) {
          this.report('VP-RIG-TYPE', path, `${name} is ${showValue(value)}`, describeForm(path));
          return;
        }
        for (const inner of branch) this.reportIssue(inner, path);
        return;
      }
      case 'too_big':
      case 'too_small': {
        const bound = `${issue.code === 'too_big' ? 'at most' : 'at least'} ${String(issue.code === 'too_big' ? issue.maximum : issue.minimum)}`;
        const kind = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
        const given = typeof value === 'number' ? `${name} is ${value}` : `${name} is of another length`;
        this.report('VP-RIG-RANGE', path, given, `Write ${bound}${kind}`);
        return;
      }
      default:
        break;
    }
    if (value === null) {
      this.report('VP-RIG-REQUIRED', path, `${name} has no value`, 'Write one, or remove the key', 'key');
      return;
    }
    switch (issue.message) {
      case 'id':
        this.reportId(path, typeof value === 'string' ? value : showValue(value), 'value');
        return;
      case 'duration':
        this.report(
          'VP-RIG-QUANTITY',
          path,
          `${name} is ${showValue(value)}, which is no time with a unit`,
          typeof value === 'number' ? `Write ${value} ms, ${value} us or ${value} s` : 'Write it like 20 ms',
        );
        return;
      case 'amount':
        this.report(
          'VP-RIG-QUANTITY',
          path,
          `${name} is ${showValue(value)}`,
          'Write a number, or a number with its unit',
        );
        return;
      case 'unit':
        this.report(
          'VP-RIG-UNIT',
          path,
          `${name} is ${showValue(value)}, which is no unit`,
          'Write one like deg or m/s',
        );
        return;
      case 'ends':
        this.report(
          'VP-RIG-RANGE',
          path,
          `${name} is ${showValue(value)}`,
          'Write two ends: [lowest, highest]',
        );
        return;
      case 'inbox':
      case 'bridge':
        this.report('VP-RIG-ADDRESS', path, `${name} is ${showValue(value)}`, 'Write an address as text');
        return;
      case 'parameter':
        this.report(
          'VP-RIG-TYPE',
          path,
          `${name} is ${showValue(value)}`,
          'Write a number, a short text, true or false',
        );
        return;
      default:
        this.report('VP-RIG-TYPE', path, `${name} is ${showValue(value)}`, describeForm(path, issue));
    }
  }

  /** Checks the form of a part that the whole schema passed over because of its key. */
  private checkPart(path: Path, value: YamlValue | undefined): void {
    const schemas = {
      replicas: partSchemas.replica,
      sensors: partSchemas.sensor,
      actuators: partSchemas.actuator,
      commands: path.length > 2 ? partSchemas.argument : partSchemas.command,
    };
    const [kind] = path;
    if (kind !== 'replicas' && kind !== 'sensors' && kind !== 'actuators' && kind !== 'commands') return;
    const checked = schemas[kind].safeParse(value);
    if (!checked.success) for (const issue of checked.error.issues) this.reportIssue(issue, path);
  }

  private reportId(path: Path, id: string, at: 'key' | 'value'): void {
    const lower = id
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '-')
      .slice(0, 16);
    const hint = ID_PATTERN.test(lower) ? `, such as ${lower}` : '';
    const cure = `Start with a letter; go on with at most 15 of a–z, 0–9 and -${hint}`;
    this.report('VP-RIG-ID', path, `${JSON.stringify(id)} is no id`, cure, at);
  }

  private listKnownKeys(path: Path): string[] {
    const [part, , inner] = path;
    if (path.length === 0) return Object.keys(rigSchema.shape);
    if (part === 'replicas') return Object.keys(partSchemas.replica.shape);
    if (part === 'actuators') return Object.keys(partSchemas.actuator.shape);
    if (part === 'sensors') return inner === 'fusion' ? ['at-least'] : Object.keys(partSchemas.sensor.shape);
    if (part === 'commands')
      return Object.keys((inner === undefined ? partSchemas.command : partSchemas.argument).shape);
    if (part === 'witness') return Object.keys(partSchemas.witness.shape);
    if (part === 'hypothesis') return ['byzantine', 'authenticators', 'crash'];
    if (part === 'law') return ['path', 'state-max'];
    if (part === 'plant') return ['model', 'parameters'];
    if (part === 'reliability') return Object.keys(partSchemas.reliability.shape);
    return ['fault', 'say'];
  }
}

interface Timing {
  readonly periodUs: number | undefined;
  readonly roundUs: number | undefined;
  readonly processingUs: number | undefined;
}

interface Measure {
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly spread: number;
}

interface CountRange {
  readonly unit: string;
  readonly resolution: number;
  readonly minCount: number;
  readonly maxCount: number;
  readonly failSafeCount: number;
}

/** The alternative that the author most likely meant: the right kind of value, with the fewest complaints. */
function chooseBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | null {
  let best: readonly z.core.$ZodIssue[] | null = null;
  let bestScore = Infinity;
  for (const branch of branches) {
    let score = 0;
    for (const issue of branch) {
      const atTop = issue.path.length === 0 && issue.code !== 'unrecognized_keys';
      score += atTop ? 100 : issue.code === 'unrecognized_keys' ? 2 * issue.keys.length : 3;
    }
    if (score < bestScore) {
      best = branch;
      bestScore = score;
    }
  }
  return bestScore < 100 ? best : null;
}

function cureHypothesis(hypothesis: Hypothesis, n: number): string {
  if (hypothesis.kind === 'none') return 'Use three replicas, or state byzantine: 1 or crash: 1';
  const { f } = hypothesis;
  if (hypothesis.kind === 'byzantine' && hypothesis.authenticators === 'mac') {
    const signed = n >= 2 * f + 1 ? ', or sign them (authenticators: signature)' : '';
    const enough = 3 * f + 1 <= MAX_REPLICAS ? `Use ${3 * f + 1} replicas` : 'Lower f';
    return `${enough}${signed}; three with hypothesis: none show what goes wrong`;
  }
  const witness =
    hypothesis.kind === 'crash' && f === 1 && n === 2
      ? ', or two and a witness: { id: w, inbox: host:port }'
      : '';
  return `Use ${2 * f + 1} replicas${witness}${f > 1 ? ', or lower f' : ''}`;
}

function describeForm(path: Path, issue?: z.core.$ZodIssue): string {
  const [part] = path;
  if (path.length === 0) return 'Start with rig: NAME; see hardware/rigs for examples';
  if (part === 'hypothesis' && path.length === 1) {
    return 'Write { byzantine: 1, authenticators: mac }, { byzantine: 1, authenticators: signature }, { crash: 1 } or none';
  }
  if (path.at(-1) === 'fusion') return 'Write mid-value, midpoint, mean or { at-least: m }';
  if (part === 'law' && path.length === 1) return 'Write the path of a file, such as law.ts';
  const expected = issue !== undefined && 'expected' in issue ? String(issue.expected) : '';
  switch (expected) {
    case 'object':
    case 'record':
      return 'Write keys and values below it';
    case 'array':
      return 'Write a list: [ … ]';
    case 'boolean':
      return 'Write true or false';
    case 'int':
      return 'Write a whole number';
    case 'number':
      return 'Write a number without a unit';
    case 'string':
      return 'Write a text';
    default:
      return 'See hardware/rigs for examples';
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function roundTo(value: number): number {
  return Number(value.toPrecision(12));
}
