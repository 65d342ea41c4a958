/** The control law of pitch-50hz: the same as law.ts with gains for ticks of 20 ms. */
import { defineLaw } from 'voteplane/law';
import { control, INITIAL_STATE } from './control.js';
import type { Tuning } from './control.js';

export const TUNING: Tuning = {
  periodMs: 20,
  delayMs: 12,
  feedback: [-4.558148, -0.49492, -0.543313, 0.746576, 0.177299],
  byPitch: [0.13021, 1.208165, 0.171673, 0.001035, 0.025623],
  byRate: [0.023447, 0.532354, 0.012082, -0.002943, -0.20037],
};

export default defineLaw({
  sensors: { pitch: 'number', rate: 'number' },
  actuators: ['elevator'],
  initial: INITIAL_STATE,
  law(state, readings, tick) {
    // A lost reading is the last good one: worse than the prediction.
    const pitch = readings.pitch.quality === 'lost' ? null : readings.pitch.value;
    const rate = readings.rate.quality === 'lost' ? null : readings.rate.value;
    const next = control(TUNING, state, pitch, rate, tick);
    return { state: next.state, commands: { elevator: next.elevator } };
  },
});
