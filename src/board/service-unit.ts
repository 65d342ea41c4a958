/**
 * The systemd unit of one replica, voter or witness: when it is started anew, what of the machine it may take, and the little that it
 * may reach. Written for systemd 247 and later, as in Debian 11 and Raspberry Pi OS of that age.
 * What it must never do: run Node under a real-time policy. Two whole Node processes under SCHED_FIFO starve the kernel
 * threads that they wait for.
 */
import type { BridgePart } from '../rig/rig.js';

/** What of a rig can be a service. */
export type ServiceKind = 'replica' | 'actuator' | 'witness';

export interface ServiceUnitParts {
  readonly rigId: string;
  readonly kind: ServiceKind;
  readonly id: string;
  /** Absolute paths on the board. */
  readonly nodePath: string;
  readonly programPath: string;
  readonly rigFile: string;
  readonly keyFile: string;
  /** Where the key file is sealed. */
  readonly passphraseFile: string | null;
  readonly nodeFlags: readonly string[];
  /** Null: it has no devices. */
  readonly bridge: BridgePart | null;
  /** P of the rig. */
  readonly periodUs: number;
  /** Its state lives in memory and outlives a restart but no reboot: for a root that is read-only. */
  readonly isVolatile: boolean;
}

/** First line of every unit that is ours to replace or remove. */
export const UNIT_MARK = '# Written by voteplane install; changes belong into: systemctl edit ';

/** Name of the unit of a replica, actuator or witness. */
export function nameUnit(rigId: string, id: string): string {
  return `voteplane-${rigId}-${id}.service`;
}

/** An unstroked process is restarted after this long: far beyond any pause of a healthy one, and at least some dozen ticks. */
const WATCHDOG_MIN_US = 3_000_000;
const WATCHDOG_PERIODS = 30;

/** WatchdogSec of a process of a rig with this period. */
export function deriveWatchdogUs(periodUs: number): number {
  return Math.max(WATCHDOG_MIN_US, WATCHDOG_PERIODS * periodUs);
}

/** The text of the unit. */
export function renderUnit(parts: ServiceUnitParts): string {
  const { rigId, kind, id, isVolatile } = parts;
  const unit = nameUnit(rigId, id);
  const folder = `voteplane/${rigId}-${id}`;
  const stateLines = isVolatile
    ? [`RuntimeDirectory=${folder}`, 'RuntimeDirectoryMode=0700', 'RuntimeDirectoryPreserve=restart']
    : [`StateDirectory=${folder}`, 'StateDirectoryMode=0700'];
  return [
    `${UNIT_MARK}${unit}`,
    '[Unit]',
    `Description=Voteplane ${kind} ${id} of rig ${rigId}`,
    'Wants=network-online.target',
    'After=network-online.target',
    '# A board that nobody watches never gives up: the cable may come back after an hour.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    '# Notices come from a helper process, because Node has no Unix datagram socket.',
    'NotifyAccess=all',
    `ExecStart=${renderCommand(parts, isVolatile ? `%t/${folder}` : `%S/${folder}`)}`,
    `LoadCredential=keys:${parts.keyFile}`,
    ...(parts.passphraseFile === null ? [] : [`LoadCredential=passphrase:${parts.passphraseFile}`]),
    ...stateLines,
    '',
    '# Started anew when it ends by anything but a clean stop, or when it no longer meets its deadlines.',
    'Restart=on-failure',
    'RestartSec=1',
    'TimeoutStartSec=60',
    'TimeoutStopSec=10',
    `WatchdogSec=${deriveWatchdogUs(parts.periodUs) / 1_000}ms`,
    '# One that stood still must not act on what it thought before: no last words, no core dump on the card.',
    'WatchdogSignal=SIGKILL',
    'LimitCORE=0',
    '# The helper of the notices ends after the process that it speaks for.',
    'KillMode=mixed',
    '',
    '# Ahead of everything else on the board, and bounded. Never SCHED_FIFO: whole Node processes livelock under it.',
    'Nice=-10',
    'CPUWeight=1000',
    'MemoryHigh=192M',
    'MemoryMax=256M',
    'MemorySwapMax=0',
    'OOMScoreAdjust=-500',
    'LimitNOFILE=1024',
    'TasksMax=64',
    '',
    '# What may reach the journal, and with it the card.',
    'StandardOutput=journal',
    'StandardError=journal',
    `SyslogIdentifier=${unit.replace(/\.service$/, '')}`,
    'LogRateLimitIntervalSec=30s',
    'LogRateLimitBurst=200',
    '',
    '# A user that exists while the service runs, with nothing to write to but its state.',
    'DynamicUser=yes',
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'PrivateTmp=yes',
    'UMask=0077',
    'CapabilityBoundingSet=',
    'AmbientCapabilities=',
    'NoNewPrivileges=yes',
    ...renderDevices(parts.bridge),
    'ProtectProc=invisible',
    'ProtectClock=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'ProtectControlGroups=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'RemoveIPC=yes',
    'KeyringMode=private',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged @resources',
    'SystemCallErrorNumber=EPERM',
    '# Not MemoryDenyWriteExecute=: V8 compiles JavaScript into memory that it writes and then runs.',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

function renderCommand(parts: ServiceUnitParts, state: string): string {
  const { nodePath, nodeFlags, programPath, kind, id, rigFile, passphraseFile } = parts;
  const words = [
    quoteWord(nodePath),
    ...nodeFlags,
    quoteWord(programPath),
    kind,
    quoteWord(rigFile),
    '--id',
    id,
    '--keys',
    '${CREDENTIALS_DIRECTORY}/keys',
    ...(passphraseFile === null ? [] : ['--passphrase-file', '${CREDENTIALS_DIRECTORY}/passphrase']),
    ...(kind === 'actuator' ? [] : ['--state', state]),
  ];
  return words.join(' ');
}

/** A path as a word of a command line in a unit: nothing in it is a space, a specifier, a variable or an escape. */
function quoteWord(text: string): string {
  if (/^[\w./@:+-]+$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&').replace(/%/g, '%%').replace(/\$/g, '$$$$')}"`;
}

/** Drivers behind the names that serial lines have; /dev/serial/* and other links may lead to any of them. */
const SERIAL_DRIVERS = ['ttyACM', 'ttyAMA', 'ttyS', 'ttyUSB'] as const;

/** No device at all, or serial lines of the kind that the bridge is on: a USB device that comes back has a new number. */
function renderDevices(bridge: BridgePart | null): readonly string[] {
  if (bridge === null || bridge.kind === 'tcp') return ['PrivateDevices=yes', 'DevicePolicy=closed'];
  const own = SERIAL_DRIVERS.find((driver) => new RegExp(`^/dev/${driver}\\d+$`).test(bridge.path));
  const drivers = own === undefined ? SERIAL_DRIVERS : [own];
  return [
    'DevicePolicy=closed',
    ...drivers.map((driver) => `DeviceAllow=char-${driver} rw`),
    'SupplementaryGroups=dialout',
  ];
}
