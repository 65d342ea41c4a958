/** Addresses in rig.yaml: inboxes and firmware bridges. Pure text; nothing is resolved or opened. */
import type { BridgePart, InboxPart } from './rig.js';

const HOST = String.raw`(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)`;
const HOST_PORT = new RegExp(`^(${HOST}):(\\d{1,5})$`);
const SERIAL = /^serial:(?:\/\/)?([^?\s]{1,150})(?:\?baud=(\d{2,7}))?$/;

/** Baud rate of a serial bridge whose address names none. */
export const DEFAULT_BAUD = 115_200;

/** Splits `host:port`; null unless the port is 1 … 65535. IPv6 hosts stand in brackets, and are returned without. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number } | null {
  const match = HOST_PORT.exec(text);
  if (match === null) return null;
  const port = Number(match[2]);
  if (port < 1 || port > 65_535) return null;
  return { host: (match[1] as string).replace(/^\[|\]$/g, '').toLowerCase(), port };
}

/** `host:port` is a broker inside the owner's process; `mqtt://host:port` an external one. Null when it is neither. */
export function parseInbox(text: string): InboxPart | null {
  if (text.startsWith('mqtt://')) {
    const external = parseHostPort(text.slice('mqtt://'.length).replace(/\/$/, ''));
    if (external === null) return null;
    return { kind: 'external', url: `mqtt://${formatHostPort(external.host, external.port)}` };
  }
  const embedded = parseHostPort(text);
  return embedded === null ? null : { kind: 'embedded', ...embedded };
}

/** `tcp://host:port` or `serial:PATH[?baud=N]`. Null when it is neither. */
export function parseBridge(text: string): BridgePart | null {
  if (text.startsWith('tcp://')) {
    const address = parseHostPort(text.slice('tcp://'.length).replace(/\/$/, ''));
    return address === null ? null : { kind: 'tcp', ...address };
  }
  const match = SERIAL.exec(text);
  if (match === null) return null;
  return {
    kind: 'serial',
    path: match[1] as string,
    baud: match[2] === undefined ? DEFAULT_BAUD : Number(match[2]),
  };
}

/** `host:port`, with an IPv6 host in brackets. */
export function formatHostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
