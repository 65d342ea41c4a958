/** What is wrong with a scenario file: stable codes, each listed once and never given another meaning. */
import { formatMistake, type Mistake, type MistakeCode } from '../rig/mistake.js';

/** The codes of mistakes, with what each is about. */
export const SCENARIO_MISTAKE_CODES = {
  'VP-SCN-FILE': 'the file cannot be read',
  'VP-SCN-SIZE': 'the file is larger, deeper or more repetitive than a scenario can be',
  'VP-SCN-YAML': 'the text is not YAML, or uses YAML that a scenario file does not allow',
  'VP-SCN-KEY': 'a key that no scenario has',
  'VP-SCN-REQUIRED': 'a key without which the scenario is not defined',
  'VP-SCN-TYPE': 'a value of the wrong type',
  'VP-SCN-RANGE': 'a number out of bounds, or a text or list of another length',
  'VP-SCN-QUANTITY': 'a quantity that is not a number with its unit',
  'VP-SCN-RIG': 'a rig that cannot be flown in a scenario',
  'VP-SCN-FAULT': 'a fault that is not well formed',
  'VP-SCN-FAULT-RIG': 'a fault that the rig cannot be struck with',
  'VP-SCN-FAULT-TIME': 'a fault that does not begin at a tick of the flight',
  'VP-SCN-FAULT-TWICE': 'one fault twice',
  'VP-SCN-COMMAND': 'a command of an operator that cannot be given so',
  'VP-SCN-EXPECT': 'an expectation that there is not',
  'VP-SCN-EXPECT-TWICE': 'one expectation twice',
  'VP-SCN-OUTCOME': 'no outcome is expected, or two that exclude each other',
  'VP-SCN-ID': 'an id that the rig does not have',
  'VP-SCN-PLANT': 'an expectation of the plant that this plant cannot be held to',
} as const;

export type ScenarioMistakeCode = keyof typeof SCENARIO_MISTAKE_CODES;

/** One thing that is wrong with a scenario file. */
export type ScenarioMistake = Mistake<ScenarioMistakeCode>;

/** A scenario that cannot be used; `mistakes` holds everything that was found wrong with it and its rig, at least one. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';

  constructor(readonly mistakes: readonly Mistake<ScenarioMistakeCode | MistakeCode>[]) {
    super(mistakes.map(formatMistake).join('\n'));
  }
}
