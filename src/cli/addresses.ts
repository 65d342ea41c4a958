/**
 * Where things really are, in place of the addresses in the rig file: a JSON object of `inbox:<id>` and `bridge:<id>`
 * to `host:port`. A demo writes one, because it flies on ports that happen to be free.
 */
import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.js';

export type Addresses = Readonly<Record<string, string>>;

/** Reads the file, or gives no overrides without one. Throws UsageError. */
export function readAddresses(file: string | undefined): Addresses {
  if (file === undefined) return {};
  const refuse = (what: string): UsageError =>
    new UsageError(`${file}: ${what}; write a JSON object such as {"inbox:a": "127.0.0.1:18831"}`);
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw refuse('it holds no object');
  for (const [name, address] of Object.entries(given)) {
    if (typeof address !== 'string') throw refuse(`the address of ${name} is no text`);
    splitAddress(address, `${file}: ${name}`);
  }
  return given as Record<string, string>;
}

/** `host:port` in its parts. Throws UsageError. */
export function splitAddress(text: string, where: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new UsageError(`${where}: "${text}" is no address; write host:port, such as 127.0.0.1:18831`);
  }
  return { host, port };
}

/** The inbox overrides by principal. */
export function listInboxAddresses(
  addresses: Addresses,
): ReadonlyMap<string, { readonly host: string; readonly port: number }> {
  const inboxes = new Map<string, { readonly host: string; readonly port: number }>();
  for (const [name, address] of Object.entries(addresses)) {
    if (name.startsWith('inbox:')) inboxes.set(name.slice('inbox:'.length), splitAddress(address, name));
  }
  return inboxes;
}
