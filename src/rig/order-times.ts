/**
 * How long the devices of Simplified Paxos wait for one another, µs. They suit boards on a local network whose machines are
 * busy: a device that dies is missed within `silenceUs` and a beat. Whoever is taken for dead too early costs time alone.
 * Here, and not beside the drive loop, because `check` computes from them how long an actuator may go without a command.
 */
export const ORDER_TIMES = {
  beatUs: 25_000,
  silenceUs: 120_000,
  holdDownUs: 50_000,
  retryUs: 40_000,
} as const;
