/**
 * Clients that ask and wait: each asks again as soon as it was answered. The same for every peer, so that what is compared
 * differs in what is asked alone.
 */
import { quantiles } from '../figures.mjs';

export const nowUs = () => Number(process.hrtime.bigint()) / 1000;

/** What a command holds, in bytes, whoever orders it. */
export const VALUE_BYTES = 64;

/**
 * `ask(client)` resolves when a command is answered; each of `clients` asks for `ms`, after `warmupMs` that do not count.
 * Returns { perSecond, latency: quantiles in µs, count }.
 */
export async function runLoad({ clients, ask, warmupMs = 300, ms = 2_000 }) {
  const latencies = [];
  const fromUs = nowUs() + warmupMs * 1_000;
  const toUs = fromUs + ms * 1_000;
  const run = async (client) => {
    for (;;) {
      const askedUs = nowUs();
      if (askedUs >= toUs) return;
      await ask(client);
      const answeredUs = nowUs();
      if (askedUs >= fromUs && answeredUs <= toUs) latencies.push(answeredUs - askedUs);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return {
    perSecond: (latencies.length * 1_000) / ms,
    latency: quantiles(latencies),
    count: latencies.length,
  };
}

/** Microseconds of each of `times` asks of one client, which waits a moment in between: an inbox takes only so many in a second. */
export async function runSerially({ ask, times, pauseMs = 1 }) {
  const latencies = [];
  for (let i = 0; i < times; i += 1) {
    const fromUs = nowUs();
    await ask(0);
    latencies.push(nowUs() - fromUs);
    await sleep(pauseMs);
  }
  return latencies;
}

/** Rejects after `ms` with what was waited for. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
