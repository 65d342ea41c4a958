/** Reads a text file that a person named: to a limit and no further, because the path may name a device. */
import { open } from 'node:fs/promises';
import { MAX_YAML_LENGTH } from './read-yaml.js';

export type ReadText =
  | { readonly ok: true; readonly text: string }
  /** `what` is a clause for people. */
  | { readonly ok: false; readonly trouble: 'unreadable' | 'not-utf8'; readonly what: string };

/** Reads a YAML file as text. What is longer than any YAML file may be comes cut, and still longer than that. */
export async function readText(file: string): Promise<ReadText> {
  const limit = 4 * MAX_YAML_LENGTH + 1;
  const bytes = new Uint8Array(limit);
  let length = 0;
  try {
    const handle = await open(file, 'r');
    try {
      while (length < limit) {
        const { bytesRead } = await handle.read(bytes, length, limit - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { ok: false, trouble: 'unreadable', what: explainUnreadable(error) };
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length)) };
  } catch {
    // Cut inside a character, and too long either way.
    if (length === limit) return { ok: true, text: ' '.repeat(MAX_YAML_LENGTH + 1) };
    return { ok: false, trouble: 'not-utf8', what: 'the file is not UTF-8' };
  }
}

/** Why a file or folder cannot be read, a clause. */
export function explainUnreadable(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return code === 'ENOENT'
    ? 'there is no such file or folder'
    : `the file cannot be read (${typeof code === 'string' ? code : String(error)})`;
}
