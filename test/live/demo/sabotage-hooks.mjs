/** Module hooks of sabotage.mjs: what is rewritten, by name. A text that is not found fails the load: no sham test. */
const TABLE = {
  /** The voter takes the first order that it hears. */
  voting: {
    file: '/src/core/voting/actuator-voter.js',
    from: 'return count >= config.majority ?',
    to: 'return count >= 1 ?',
  },
  /** Agreement without relays: everybody takes the commander at its word. */
  agreement: {
    file: '/src/core/agreement/hypothesis.js',
    from: 'createOralMessages(n, hypothesis.f)',
    to: 'createOralMessages(n, 0)',
  },
};

let chosen = null;

export function initialize(name) {
  chosen = TABLE[name] ?? null;
  if (chosen === null) throw new Error(`there is no sabotage "${name}"`);
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith(chosen.file)) return loaded;
  const source = String(loaded.source);
  if (!source.includes(chosen.from)) throw new Error(`${url} does not hold: ${chosen.from}`);
  return { ...loaded, source: source.replace(chosen.from, chosen.to) };
}
