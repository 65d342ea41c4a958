/**
 * Smaller rigs than a given one, as texts of rig files: fewer replicas with a hypothesis that fits, and no sensors that
 * the law does not read. What a fault names stays. Only texts that `parseRig` accepts are offered.
 */
import path from 'node:path';
import { existsSync } from 'node:fs';
import { isMap, parseDocument, type Document } from 'yaml';
import { refuseHypothesis } from '../core/agreement/hypothesis.js';
import type { Hypothesis } from '../core/types.js';
import { MIN_REPLICAS } from '../rig/schema.js';
import { parseRig } from '../rig/parse-rig.js';
import type { Rig } from '../rig/rig.js';

/** What bounds how small a rig may get. */
export interface Needs {
  /** Ids that the faults of a job name. */
  readonly ids: ReadonlySet<string>;
  /** Sensors that the law reads; null: it does not say, and all stay. */
  readonly sensors: readonly string[] | null;
}

/** Rigs smaller than that of `text`, the smallest first. */
export function deriveSmallerRigs(text: string, needs: Needs): readonly string[] {
  const parsed = parseRig(text, 'rig.yaml');
  if (!parsed.ok) return [];
  const { rig } = parsed;
  const texts: string[] = [];
  const offer = (change: (document: Document) => void): void => {
    const document = parseDocument(text);
    // What a demo flies is of no use to one run, and may name what is gone.
    for (const key of ['tour', 'flights']) document.delete(key);
    change(document);
    const smaller = String(document);
    if (parseRig(smaller, 'rig.yaml').ok) texts.push(smaller);
  };
  const sensors = listUnread(rig, needs);
  const dropSensors = (document: Document): void => {
    // A channel that the file leaves out is the place in the list, which is about to change.
    for (const { id, channel } of rig.sensors) document.setIn(['sensors', id, 'channel'], channel);
    for (const id of sensors) document.deleteIn(['sensors', id]);
  };
  for (const { replicas, f } of listSizes(rig, needs)) {
    offer((document) => {
      dropSensors(document);
      for (const { id } of rig.replicas) if (!replicas.includes(id)) document.deleteIn(['replicas', id]);
      if (rig.hypothesis.kind !== 'none') setFaulty(document, rig.hypothesis, f);
    });
  }
  if (sensors.length > 0) offer(dropSensors);
  return texts;
}

/**
 * The text of a smaller rig as a file of another folder: the paths of law and plant lead back to the rig that it was
 * made from.
 */
export function relocateRig(text: string, from: string, to: string): string {
  const document = parseDocument(text);
  const move = (at: readonly string[]): void => {
    const value = document.getIn(at);
    if (typeof value !== 'string' || !existsSync(path.resolve(from, value))) return;
    document.setIn(at, path.relative(to, path.resolve(from, value)).split(path.sep).join('/'));
  };
  move(typeof document.get('law') === 'string' ? ['law'] : ['law', 'path']);
  const parameters = document.getIn(['plant', 'parameters']);
  if (isMap(parameters)) {
    for (const { key } of parameters.items) move(['plant', 'parameters', String(key)]);
  }
  return String(document);
}

function setFaulty(document: Document, hypothesis: Exclude<Hypothesis, { kind: 'none' }>, f: number): void {
  document.setIn(['hypothesis', hypothesis.kind], f);
}

/** Numbers of replicas and f that the hypothesis permits, fewer than now; named replicas stay, then the first. */
function listSizes(
  rig: Rig,
  needs: Needs,
): readonly { readonly replicas: readonly string[]; readonly f: number }[] {
  const { hypothesis } = rig;
  if (hypothesis.kind === 'none') return [];
  const ids = rig.replicas.map(({ id }) => id);
  const named = ids.filter((id) => needs.ids.has(id));
  const sizes: { replicas: readonly string[]; f: number }[] = [];
  for (let n = MIN_REPLICAS; n < ids.length; n += 1) {
    if (named.length > n) continue;
    const f = [...Array(hypothesis.f).keys()]
      .map((less) => hypothesis.f - less)
      .find((faulty) => refuseHypothesis({ ...hypothesis, f: faulty }, n) === null);
    if (f === undefined) continue;
    const others = ids.filter((id) => !named.includes(id)).slice(0, n - named.length);
    sizes.push({ replicas: ids.filter((id) => named.includes(id) || others.includes(id)), f });
  }
  return sizes;
}

function listUnread(rig: Rig, needs: Needs): readonly string[] {
  const { sensors } = needs;
  if (sensors === null) return [];
  const unread = rig.sensors.map(({ id }) => id).filter((id) => !sensors.includes(id) && !needs.ids.has(id));
  return unread.length === rig.sensors.length ? unread.slice(1) : unread;
}
