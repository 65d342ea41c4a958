/** src/wire/WIRE.md is true: its golden bytes are what the software makes, and it names every refusal and purpose. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkCbor } from '../../src/wire/cbor.js';
import { REFUSAL_CAUSES } from '../../src/wire/refusal.js';
import { makeGolden } from './golden.js';
import { hex } from './make-rig.js';

const text = readFileSync(new URL('../../src/wire/WIRE.md', import.meta.url), 'utf8');

/** Fenced blocks `golden NAME`, white space removed. */
function readGolden(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, body] of text.matchAll(/```golden (\S+)\n([^`]*)```/g)) {
    found[name as string] = (body as string).replace(/\s+/g, '');
  }
  return found;
}

describe('WIRE.md', () => {
  const golden = makeGolden();
  const written = readGolden();

  test('holds every golden value, and no other', () => {
    expect(Object.keys(written).sort()).toEqual(Object.keys(golden).sort());
  });

  test.each(Object.keys(golden))('%s is as written there', (name) => {
    expect(golden[name]).toBe(written[name]);
  });

  test('what is CBOR there is deterministic', () => {
    for (const [name, encoded] of Object.entries(written)) {
      if (/key|password|session-id|digest|chain|-aad$|^frame|^hello-frame/.test(name)) continue;
      expect(checkCbor(hex(encoded)), name).toBeNull();
    }
  });

  test('names every cause of refusal', () => {
    for (const cause of REFUSAL_CAUSES) expect(text).toContain(`\`${cause}\``);
  });
});
