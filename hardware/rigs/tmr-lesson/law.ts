/**
 * The decision of Lamport's slides ("The problem with TMR"): at a given tick the flight computer looks at its height
 * and either dives or climbs, once and for all. Until then it flies level.
 */
import { defineLaw } from 'voteplane/law';

/** Below it: dive. Correct altimeters read 10219 and 10220 here, so a liar decides whose middle value is which. */
const THRESHOLD_FT = 10219.5;
/** The decision falls at this tick, or at the first one stepped after it. */
const DECISION_TICK = 60;
const DIVE_DEG = -10;
const CLIMB_DEG = 10;

type Decision = 'level' | 'dive' | 'climb';

const initial: { decision: Decision } = { decision: 'level' };

export default defineLaw({
  sensors: { altitude: 'number' },
  actuators: ['left', 'right'],
  initial,
  law(state, readings, tick) {
    const altitudeFt = readings.altitude.value;
    let decision = state.decision;
    if (decision === 'level' && tick >= DECISION_TICK && altitudeFt !== null) {
      decision = altitudeFt < THRESHOLD_FT ? 'dive' : 'climb';
    }
    const elevatorDeg = decision === 'dive' ? DIVE_DEG : decision === 'climb' ? CLIMB_DEG : 0;
    return { state: { decision }, commands: { left: elevatorDeg, right: elevatorDeg } };
  },
});
