/** Which folder may import which: the one rule of the house that the compiler cannot check (src/README.md). */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: allowed, dependencyTypesNot: ['core', 'npm', 'npm-dev', 'npm-optional'] },
});

/** What is simulated is the live rig's own drive loop, and no copy of it. */
const required = (module, to) => ({
  name: 'simulation-runs-the-drive-loops',
  severity: 'error',
  module: { path: module },
  to: { path: to },
});

module.exports = {
  forbidden: [
    {
      name: 'core-is-pure',
      comment: 'core imports only core: no package, no module of Node',
      severity: 'error',
      from: { path: '^src/core' },
      to: { pathNot: '^src/core' },
    },
    only('wire-imports-core', '^src/wire', '^src/(core|wire|rig|ports\\.ts)', 'wire is codecs and keys'),
    only('rig-imports-core', '^src/rig', '^src/(core|rig)', 'rig is what a rig file means'),
    only(
      'ports-import-core',
      '^src/ports\\.ts',
      '^src/core',
      'ports name the world, nothing implements it there',
    ),
    only(
      'process-imports-inner-layers',
      '^src/process',
      '^src/(core|wire|rig|process|ports\\.ts)',
      'a process drives core over ports; which adapters stand behind them is for cli to say',
    ),
    only(
      'mqtt-is-an-adapter',
      '^src/mqtt',
      '^src/(core|wire|rig|mqtt|ports\\.ts)',
      'adapters import ports, wire and rig',
    ),
    only(
      'store-is-an-adapter',
      '^src/store',
      '^src/(core|wire|rig|store|ports\\.ts)',
      'adapters import ports, wire and rig',
    ),
    only(
      'log-is-an-adapter',
      '^src/log',
      '^src/(log|ports\\.ts)',
      'a log knows lines, not what they are about',
    ),
    only(
      'board-is-an-adapter',
      '^src/board',
      '^src/(core|rig|process|board|ports\\.ts)',
      "a board's service manager hears of turns; nothing that is agreed on depends on it",
    ),
    only(
      'bridge-host-is-an-adapter',
      '^firmware-bridge/host',
      '^(firmware-bridge/host|src/(core|rig|ports\\.ts))',
      'adapters import ports and rig',
    ),
    only(
      'faults-wrap-ports',
      '^src/faults',
      '^src/(core|wire|rig|faults|process|ports\\.ts)',
      'a fault is a wrapper around a port',
    ),
    only(
      'scenario-reads-and-judges',
      '^src/scenario',
      '^(src/((core|wire|rig|faults|scenario)/|ports\\.ts|demo/(figures|verdict|tour)\\.ts)|hardware/plants)',
      'a scenario is judged by figures alone, so that it means the same in a simulator and on live processes',
    ),
    only(
      'measure-asks-and-judges',
      '^src/measure',
      '^src/(core|wire|rig|measure|ports\\.ts)',
      'a measurement is what replicas answer; how they are reached is for cli to say',
    ),
    only(
      'client-asks-over-ports',
      '^src/client/(?!(open-client|index)\\.ts)',
      '^src/(core|wire|rig|process|client|ports\\.ts)',
      'an operator asks over ports; open-client.ts puts the live ones together',
    ),
    only(
      'recording-wraps-ports',
      '^src/recording',
      '^src/(core|wire|rig|process|recording|ports\\.ts)',
      'a recording knows ports, not what stands behind them or between them and the core',
    ),
    {
      name: 'checkers-stand-alone',
      comment:
        'a checker that shares code with what it checks proves nothing: of core it knows the words alone',
      severity: 'error',
      from: { path: '^src/checkers' },
      to: { pathNot: '^src/(checkers|core/types\\.ts)' },
    },
    only(
      'adversary-is-pure',
      '^src/simulation/adversary',
      '^src/(core|rig|simulation/adversary)',
      'an adversary is told what it may do; it opens nothing and asks no machine for chance',
    ),
    {
      name: 'faults-only-composed',
      comment: 'no code that is attacked knows its attacker',
      severity: 'error',
      from: { path: '^(src/(core|wire|rig|process|mqtt|store|log|board)|firmware-bridge|hardware)' },
      to: { path: '^src/(faults|simulation|scenario|checkers|demo|cli)' },
    },
    only(
      'simulation-runs-the-live-rig',
      '^src/simulation',
      '^(src/(core|wire|rig|process|client/command-client\\.ts|faults|demo|simulation|checkers|ports\\.ts|store/witness-(codec|state)\\.ts|mqtt/(token-bucket|inbox-limits)\\.ts)|firmware-bridge/host|hardware/(emulated|plants))',
      'the simulator is another world for the same code',
    ),
    {
      name: 'simulation-needs-no-machine',
      comment: "no timer, socket or file of the machine takes part; Node's crypto computes",
      severity: 'error',
      from: { path: '^src/simulation' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    only(
      'campaigns-run-the-simulator',
      '^src/campaign',
      '^(src/(core|rig|faults|simulation|campaign|checkers|demo/(figures|verdict|tour)\\.ts)|hardware/plants)',
      'a campaign runs simulations and judges them; what a person types is for cli',
    ),
    {
      name: 'nothing-imports-test',
      severity: 'error',
      from: { path: '^(src|firmware-bridge|hardware)' },
      to: { path: '^test' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  required: [
    required('^src/simulation/rig-world\\.ts', '^src/process/replica-process\\.ts'),
    required('^src/process/replica-process\\.ts', '^src/process/replica-drive\\.ts'),
    required('^src/simulation/rig-world\\.ts', '^src/process/actuator-process\\.ts'),
    required('^src/simulation/rig-world\\.ts', '^src/process/witness-process\\.ts'),
    required('^src/process/witness-process\\.ts', '^src/process/order-drive\\.ts'),
    required('^src/process/actuator-process\\.ts', '^src/process/actuator-drive\\.ts'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^dist/|^node_modules/)' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
