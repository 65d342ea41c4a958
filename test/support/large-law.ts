/** The pitch rig with a control law that keeps 64 KiB, all of which changes every tick. */
import { copyRig } from './rig-copy.js';

/** Every tick makes all of the ballast anew, from what it was: whoever guesses a state has another one. */
const BALLAST = `
const TEXTS = 16;
const LENGTH = 4096;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_';
function load(seed: number): string[] {
  return Array.from({ length: TEXTS }, (_, at) => {
    const turn = (seed + at) % LETTERS.length;
    return (seed + LETTERS.slice(turn) + LETTERS.slice(0, turn)).repeat(LENGTH / LETTERS.length).slice(0, LENGTH);
  });
}
`;

const giveBallast = (law: string): string =>
  law
    .replace('export default', `${BALLAST}\nexport default`)
    .replace('initial: INITIAL_STATE', 'initial: { flown: INITIAL_STATE, seed: 1, ballast: load(1) }')
    .replace('control(TUNING, state,', 'control(TUNING, state.flown,')
    .replace(
      'return { state: next.state,',
      'const seed = (state.seed * 48271 + state.ballast[0].charCodeAt(tick % LENGTH)) % 2147483647;\n' +
        'return { state: { flown: next.state, seed, ballast: load(seed) },',
    );

/** Copies the pitch rig with that law to a folder of its own and gives its path. */
export function copyLargeRig(): string {
  return copyRig('pitch', {
    'rig.yaml': (text) => text.replace('law: law.ts', 'law: { path: law.ts, state-max: 66560 }'),
    'law.ts': giveBallast,
  });
}
