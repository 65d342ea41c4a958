/**
 * The canaries as data (`catalogue/*.yaml`, one file a group): each names a source file, a piece of text in it and the
 * bug that takes its place. What is read here is checked at once, so that a source that has moved on is noticed: a text
 * that stands nowhere, or twice, fails before anything is run.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** The group that must not be caught. */
export const HARMLESS = 'harmless';

const KEYS = ['id', 'title', 'file', 'find', 'replace', 'also', 'why', 'detect', 'sample'];

/** A mistake in the catalogue, or a source that it does not fit any more. */
export class CatalogueError extends Error {
  name = 'CatalogueError';
}

/** Flights by name (fly.mjs says what one is). */
export function readFlights(file) {
  return new Map(Object.entries(parse(readFileSync(file, 'utf8'))));
}

/**
 * All canaries of a folder, each with its group, the harmless ones last. `flights` are those that they may name, `root`
 * is the package that they are for. Throws `CatalogueError`.
 */
export function readCatalogue(folder, flights, root) {
  const canaries = [];
  for (const group of listGroups(folder)) {
    const name = `${group}.yaml`;
    for (const row of parse(readFileSync(path.join(folder, name), 'utf8'))) {
      const canary = checkRow(row, flights, `${name}: ${row?.id ?? 'a canary without id'}`);
      if (canaries.some(({ id }) => id === canary.id)) {
        throw new CatalogueError(`${name}: the id "${canary.id}" is taken; choose another`);
      }
      applyEdits(canary, readFileSync(path.join(root, canary.file), 'utf8'));
      canaries.push({ ...canary, group });
    }
  }
  return canaries;
}

function listGroups(folder) {
  if (!existsSync(folder)) throw new CatalogueError(`${folder}: no catalogue there`);
  const groups = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => path.basename(name, '.yaml'));
  return groups.sort((a, b) => Number(a === HARMLESS) - Number(b === HARMLESS) || (a < b ? -1 : 1));
}

function checkRow(row, flights, where) {
  const fail = (what) => {
    throw new CatalogueError(`${where}: ${what}`);
  };
  for (const key of Object.keys(row)) if (!KEYS.includes(key)) fail(`unknown key "${key}"`);
  for (const key of ['id', 'title', 'file', 'find', 'why']) {
    if (typeof row[key] !== 'string' || row[key] === '') fail(`"${key}" is missing; write one`);
  }
  if (typeof row.replace !== 'string') fail('"replace" is missing; an empty text deletes');
  const { tests = [], simulate = [] } = row.detect ?? {};
  if (tests.length + simulate.length === 0) fail('"detect" names neither a flight nor a test file');
  for (const name of simulate) if (!flights.has(name)) fail(`there is no flight "${name}" in flights.yaml`);
  return {
    id: row.id,
    title: row.title,
    file: row.file,
    edits: [{ find: row.find, replace: row.replace }, ...(row.also ?? [])],
    why: row.why,
    tests,
    flights: simulate.map((name) => flights.get(name)),
    sample: row.sample ?? false,
  };
}

/** The source with the bug in it. Throws `CatalogueError` unless every text stands in it exactly once. */
export function applyEdits({ id, file, edits }, source) {
  let text = source;
  for (const { find, replace } of edits) {
    const pieces = text.split(find);
    if (pieces.length !== 2) {
      throw new CatalogueError(
        `canary ${id}: ${file} holds its text ${pieces.length - 1} times instead of once; ` +
          `write anew what it replaces there:\n${find}`,
      );
    }
    text = pieces.join(replace);
  }
  return text;
}
