/**
 * Sample → output against one raw all-to-all exchange: what agreement and voting cost over the transport that carries
 * them, and over the same inboxes with aedes and MQTT.js as they come, without this package's short cut for QoS 0. A pair is a flight and then a raw exchange of as many processes, through inboxes of the same kind, with
 * messages of the mean size of the flight's rounds, begun by the clock that replicas tick on. The ratio of a pair is
 * that of the two medians; the result is the median over the pairs, which the machine's moods disturb least.
 *
 * n = 3 flies under the crash hypothesis: like the others it signs nothing, so all three compare.
 */
import { SMALL_BOARD_V8_FLAGS } from '../../dist/src/process/v8-flags.js';
import { loadRig } from '../../dist/src/rig/load-rig.js';
import { makeRow, median, round, showMs } from './figures.mjs';
import { fly } from './flight.mjs';
import { measureRoundFrames } from './message-size.mjs';
import { runExchange, startMosquitto } from './mqtt-bench.mjs';
import { makeRigFolder } from './rig-folder.mjs';

/** What a rig flies when it is measured. */
const RIGS = {
  3: {
    base: 'crash-three',
    label: 'n=3 crash-three, 50 Hz',
    change: { set: { period: '20 ms', round: '9 ms', law: '../pitch/law-50hz.ts' }, hold: '120 ms' },
  },
  4: { base: 'pitch-50hz', label: 'n=4 pitch-50hz, 50 Hz', change: {} },
  7: { base: 'seven', label: 'n=7 seven, 20 Hz', change: {} },
};

/**
 * One case: { n, broker: 'embedded' | 'mosquitto', pairs: [{ flight, raw, ratio }], messageBytes, ratio }. The times
 * are for each flight and each exchange.
 */
export async function measureCase({ n, broker, pairs, warmupMs, measureMs, onPair = () => {} }) {
  const { base, change } = RIGS[n];
  const mosquitto = broker === 'mosquitto' ? await startMosquitto() : null;
  const folder = makeRigFolder(base, { ...change, inboxUrl: mosquitto?.url ?? null });
  try {
    const { rig } = await loadRig(folder.path);
    const messageBytes = measureRoundFrames(rig).mean;
    const periodMs = rig.periodUs / 1000;
    const done = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      const flight = await fly(folder.path, { warmupMs, flyMs: measureMs });
      const exchange = (stack) =>
        runExchange({
          n,
          stack,
          size: messageBytes,
          rounds: Math.ceil(measureMs / periodMs),
          warmup: Math.ceil(warmupMs / periodMs),
          periodMs,
          clock: 'replica',
          cpu: false,
          execArgv: [...SMALL_BOARD_V8_FLAGS],
        });
      const raw = await exchange(mosquitto === null ? 'inbox' : 'mosquitto');
      const plain = mosquitto === null ? await exchange('plain') : null;
      const ratioTo = ({ exchange: { p50 } }) => round(flight.output.p50 / p50, 3);
      done.push({
        flight,
        raw,
        ratio: ratioTo(raw),
        plain,
        plainRatio: plain === null ? null : ratioTo(plain),
      });
      onPair(done);
    }
    return {
      n,
      broker,
      messageBytes,
      pairs: done,
      ratio: median(done.map(({ ratio }) => ratio)),
      plainRatio: mosquitto === null ? median(done.map(({ plainRatio }) => plainRatio)) : null,
    };
  } finally {
    folder.remove();
    mosquitto?.stop();
  }
}

/** Rows of the report for a case. */
export function reportCase({ n, broker, pairs, ratio, plainRatio }) {
  const { label } = RIGS[n];
  const bench = `${label}, ${broker}`;
  const of = (read) => median(pairs.map(read));
  const isMain = n === 4 && broker === 'embedded';
  const rows = [
    makeRow({
      bench,
      what: 'sample → output / raw exchange',
      value: ratio,
      shown: `${ratio.toFixed(2)} ×`,
      ...(isMain ? { limit: 2.2, stretch: 1.5, unit: ' ×' } : {}),
    }),
    ...(plainRatio === null
      ? []
      : [
          makeRow({
            bench,
            what: 'sample → output / the same over aedes and MQTT.js as they come',
            value: plainRatio,
            shown: `${plainRatio.toFixed(2)} ×`,
            ...(isMain ? { limit: 2.2, stretch: 1.5, unit: ' ×' } : {}),
          }),
          makeRow({
            bench,
            what: 'that exchange p50, p99',
            value: of(({ plain }) => plain.exchange.p50),
            shown: `${showMs(of(({ plain }) => plain.exchange.p50))}, ${showMs(of(({ plain }) => plain.exchange.p99))}`,
          }),
        ]),
    makeRow({
      bench,
      what: 'sample → output p50, p99',
      value: of(({ flight }) => flight.output.p50),
      shown: `${showMs(of(({ flight }) => flight.output.p50))}, ${showMs(of(({ flight }) => flight.output.p99))}`,
    }),
    makeRow({
      bench,
      what: 'raw exchange p50, p99',
      value: of(({ raw }) => raw.exchange.p50),
      shown: `${showMs(of(({ raw }) => raw.exchange.p50))}, ${showMs(of(({ raw }) => raw.exchange.p99))}`,
    }),
    makeRow({
      bench,
      what: 'agreement p50, p99',
      value: round(of(({ flight }) => flight.agreement.p50) / 1000, 2),
      shown: `${showMs(of(({ flight }) => flight.agreement.p50))}, ${showMs(of(({ flight }) => flight.agreement.p99))}`,
      ...(isMain ? { limit: 2.2, stretch: 1.5, unit: ' ms' } : {}),
    }),
  ];
  if (!isMain) return rows;
  const outputs = of(({ flight }) => flight.outputs);
  const cpu = of(({ flight }) => flight.replica.cpuPercent);
  const rss = Math.max(...pairs.map(({ flight }) => flight.replica.rssMiB));
  return [
    ...rows,
    makeRow({
      bench,
      what: 'ticks with an output',
      value: round(100 * outputs, 2),
      shown: `${(100 * outputs).toFixed(2)} %`,
      limit: 99.5,
      unit: ' %',
      least: true,
    }),
    makeRow({
      bench,
      what: 'a replica: processor, of one core',
      value: cpu,
      shown: `${cpu.toFixed(1)} %`,
      limit: 15,
      unit: ' %',
    }),
    makeRow({
      bench,
      what: 'a replica: memory, largest',
      value: rss,
      shown: `${rss.toFixed(0)} MiB`,
      limit: 90,
      unit: ' MiB',
    }),
  ];
}
