/** One round as a table, a row for each path and a column for each receiver, and in words what is wrong with it. */
import { sameValue } from '../../../src/core/bytes.js';
import type { MaybeValue, ReplicaIndex } from '../../../src/core/types.js';
import { listWords, type Page } from './page.js';
import {
  ABSENT,
  LIE,
  listPaths,
  NO_WAY,
  NOTHING,
  REFUSED,
  sameValues,
  saidOn,
  writePath,
  type Notation,
  type Sending,
} from './sending.js';

export interface RoundTable {
  readonly notation: Notation;
  readonly sendings: readonly Sending[];
  /** Instances to be shown; all where it is left out. */
  readonly commanders?: readonly ReplicaIndex[];
  /** Rows to be shown; the rest is counted. */
  readonly maxRows?: number;
  /** Replicas that end in this run: their silence afterwards is no lie. */
  readonly crashed?: readonly ReplicaIndex[];
  /** When each sender spoke. */
  readonly sentAt?: (from: ReplicaIndex) => string;
}

/** The legend of all tables, once on a page that needs it. */
export const LEGEND = `${ABSENT} absent   ${NOTHING} nothing sent   ${NO_WAY} no way   ${LIE} not what a correct one would say   ${REFUSED} not taken`;

/** Writes the table of one round, then a line for everything in it that no correct replica does. */
export function writeRound(page: Page, table: RoundTable): void {
  const { notation, commanders } = table;
  const gone = (table.crashed ?? []).filter((id) => isSilent(table, id));
  const sendings = table.sendings.filter(({ from }) => !gone.includes(from));
  const receivers = notation.names.map((_, id) => id);
  const paths = listPaths(sendings).filter((path) => commanders?.includes(path[0] as number) ?? true);
  const shown = paths.slice(0, table.maxRows ?? paths.length);
  const rows = shown.map((path) => {
    const from = path.at(-1) as ReplicaIndex;
    return [
      notation.names[from] ?? '?',
      ...(table.sentAt === undefined ? [] : [table.sentAt(from)]),
      writePath(notation, path),
      ...receivers.map((to) => (path.includes(to) ? NO_WAY : cellOf(table, path, to))),
    ];
  });
  const header = [
    'from',
    ...(table.sentAt === undefined ? [] : ['sent/ms']),
    notation.paths === 'oral' ? 'says' : 'signed',
    ...notation.names.map((name) => `to ${name}`),
  ];
  page.table(header, rows);
  if (shown.length < paths.length) page.line(`  … and ${paths.length - shown.length} more paths`);
  for (const id of table.crashed ?? []) if (!gone.includes(id)) sayWhomItReached(page, table, id);
  for (const id of gone) page.say(`${notation.names[id] ?? '?'} has crashed and says nothing.`);
  for (const path of paths) sayWhatIsWrong(page, table, path);
}

/** The last words of a replica that crashes while it sends. Nothing where it still reaches everybody. */
function sayWhomItReached(page: Page, { notation, sendings }: RoundTable, id: ReplicaIndex): void {
  const own = sendings.filter(({ from }) => from === id);
  const reached = own.filter(({ said }) => said !== null).map(({ to }) => notation.names[to] ?? '?');
  if (reached.length < own.length)
    page.say(`${notation.names[id] ?? '?'} reaches ${listWords(reached)} only, and crashes.`);
}

function isSilent({ sendings }: RoundTable, id: ReplicaIndex): boolean {
  return sendings.every(({ from, said }) => from !== id || said === null);
}

function cellOf({ notation, sendings }: RoundTable, path: readonly ReplicaIndex[], to: ReplicaIndex): string {
  const from = path.at(-1) as ReplicaIndex;
  const sending = sendings.find((one) => one.from === from && one.to === to);
  if (sending === undefined) return NOTHING;
  const due = saidOn(sending.due, from, path);
  const said = saidOn(sending.said, from, path);
  const lie = sameValues(due, said) ? '' : LIE;
  if (said.length === 0) return due.length === 0 ? NOTHING : `${NOTHING}${lie}`;
  const text = said.map((value) => notation.label(value)).join('+');
  const refused = saidOn(sending.taken, from, path).length < said.length ? REFUSED : '';
  return sending.fate === null ? `${text}${lie}${refused}` : `${text}${lie} ${sending.fate}`;
}

/** Words for one path whose values differ from what was due. */
function sayWhatIsWrong(page: Page, table: RoundTable, path: readonly ReplicaIndex[]): void {
  const { notation, sendings } = table;
  if (table.crashed?.includes(path.at(-1) as ReplicaIndex) === true) return;
  const from = path.at(-1) as ReplicaIndex;
  const commander = path[0] as ReplicaIndex;
  const name = notation.names[from] ?? '?';
  const groups: { readonly said: readonly MaybeValue[]; readonly to: string[]; readonly wrong: boolean }[] =
    [];
  for (const sending of sendings) {
    if (sending.from !== from || path.includes(sending.to)) continue;
    const said = saidOn(sending.said, from, path);
    const wrong = !sameValues(said, saidOn(sending.due, from, path));
    const group = groups.find((one) => sameValues(one.said, said) && one.wrong === wrong);
    const receiver = notation.names[sending.to] ?? '?';
    if (group === undefined) groups.push({ said, to: [receiver], wrong });
    else group.to.push(receiver);
  }
  if (!groups.some(({ wrong }) => wrong)) return;
  const told = groups.map(({ said, to }) => `${listWords(to)} ${writeSaid(notation, said)}`);
  const values = groups.flatMap(({ said }) => said);
  const differ = values.some((value) => !sameValue(value, values[0] ?? null));
  if (from === commander) {
    const silent = groups.length === 1 && values.length === 0;
    const what = silent ? 'it is silent' : differ ? 'equivocation' : 'omission';
    page.say(`${name} tells ${listWords(told)}: ${what}.`);
    return;
  }
  const heard = sendings.find((one) => one.from === from && saidOn(one.due, from, path).length > 0);
  const truth = heard === undefined ? [] : saidOn(heard.due, from, path);
  const source = describeSource(notation, path, writeSaid(notation, truth));
  if (truth.length === 0) {
    const invented = groups.filter(({ said }) => said.length > 0);
    const what = invented.map(({ said, to }) => `${listWords(to)} ${writeSaid(notation, said)}`);
    page.say(`${name} tells ${listWords(what)} by a path on which nothing came to it: invented.`);
  } else if (values.length === 0) page.say(`${source}; ${name} keeps it to itself: omission.`);
  else if (values.every((value) => truth.some((one) => sameValue(one, value))))
    page.say(`${source}; ${name} tells ${listWords(told)}: omission.`);
  else page.say(`${source}; ${name} tells ${listWords(told)}: a lie.`);
}

/** p2 told p3 that p1 said v. */
function describeSource({ names }: Notation, path: readonly ReplicaIndex[], what: string): string {
  const words = path.slice(0, -1).map((id) => names[id] ?? '?');
  const told = `told ${names[path.at(-1) as number] ?? '?'}`;
  const teller = words.at(-1) ?? '?';
  if (words.length === 1) return `${teller} ${told} ${what}`;
  const chain = words.slice(0, -1).reverse();
  return `${teller} ${told} that ${chain.join(' said that ')} said ${what}`;
}

function writeSaid(notation: Notation, said: readonly MaybeValue[]): string {
  return said.length === 0 ? 'nothing' : said.map((value) => notation.label(value)).join(' and ');
}
