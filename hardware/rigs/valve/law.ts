/** The control law of the valve rig: see control.ts. */
import { defineLaw } from 'voteplane/law';
import { control, INITIAL_STATE, type ControlState } from './control.js';

export default defineLaw({
  sensors: { level: 'number' },
  actuators: ['valve'],
  initial: INITIAL_STATE,
  law(state, readings, tick) {
    // A lost reading is the last good one: the valve had better stand still than follow it.
    const levelM = readings.level.quality === 'lost' ? null : readings.level.value;
    const next = control(state, levelM, tick);
    return { state: next, commands: { valve: next.orderedPercent } };
  },
  commands: {
    'set-target': {
      arguments: { level: 'number' },
      apply: (state, given) =>
        state.mode === 'manual'
          ? { refused: 'nothing keeps a level in manual mode; give mode auto first' }
          : { state: { ...state, targetM: given.level } },
    },
    mode: {
      arguments: { mode: 'string' },
      apply(state, given): { readonly state: ControlState } {
        return { state: { ...state, mode: given.mode === 'manual' ? 'manual' : 'auto' } };
      },
    },
  },
});
