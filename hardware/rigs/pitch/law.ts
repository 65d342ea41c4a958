/** The control law of the pitch rigs at 20 Hz: gains for ticks of 50 ms, the rest in control.ts and profile.ts. */
import { defineLaw } from 'voteplane/law';
import { control, INITIAL_STATE } from './control.js';
import type { Tuning } from './control.js';

export const TUNING: Tuning = {
  periodMs: 50,
  // With all replicas well a command takes some 10 ms, with a silent one two rounds of 20 ms: between the two.
  delayMs: 30,
  feedback: [-4.784887, -0.507958, -0.432641, 0.770619, 0.429097],
  byPitch: [0.267778, 1.966709, 0.358358, -0.000666, 0.187204],
  byRate: [0.032, 0.741817, 0.019667, -0.001892, -0.21519],
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
  commands: {
    'set-target': {
      arguments: { pitch: 'number' },
      apply: (state, given) => ({ state: { ...state, target: given.pitch } }),
    },
  },
});
