/** Case P4: Simplified Paxos with an inexpensive device, Fig. 9–13 of its patent, message by message. */
import { allReplicas, isPromiseQuorum } from '../../../src/core/paxos/operational-quorum.js';
import type { PaxosConfig, PaxosRecord, Snapshot } from '../../../src/core/paxos/types.js';
import { PaxosWorld, provisioned } from '../../support/paxos-world.js';
import { Page } from '../trace/page.js';
import { PaxosTrace } from '../trace/paxos-trace.js';

/** The devices of the figures, placed so that 200 is a number of 13 and 300 one of 11. */
const D11 = 0;
const D14 = 1;
const D13 = 2;
const NAMES = ['11', '14', '13'];

/** Where the figures begin: 28 slots are chosen, the last ones by 13 alone, and 13 last used 197. */
function beginAtSlot28(config: PaxosConfig): readonly PaxosRecord[] {
  const quorum = 1 << D13;
  const snapshot: Snapshot = {
    slot: 28,
    state: new Uint8Array(0),
    clients: [],
    quorum,
    quorumSlot: 20,
    incarnations: NAMES.map(() => ({ incarnation: 1, nonce: new Uint8Array(0) })),
  };
  if (config.self === D14) {
    const change = { ballot: 197, from: 20, slot: 20, quorum, digest: config.digestEntries(20, []) };
    return [{ kind: 'witness', incarnation: 1, promised: 197, change }];
  }
  const promise: PaxosRecord = { kind: 'promise', ballot: config.self === D13 ? 197 : 0 };
  return [...provisioned(config), { kind: 'snapshot', snapshot }, promise];
}

export function traceP4(): Page {
  const page = new Page('P4  Two devices and an inexpensive third')
    .fact('Source', 'Simplified Paxos [00105]–[00118], Fig. 9–13')
    .fact(
      'Rig',
      '11 and 13 execute commands and keep them; 14, the witness, votes for operational quorums alone',
    )
    .fact('Before', 'slots up to 28 are chosen, the operational quorum is {13}, and 11 is back')
    .fact(
      'Numbers',
      'of 11: 0, 3, 6, …; of 13: 2, 5, 8, …; 11 has promised 297 before it failed, so that it tries 300',
    )
    .fact(
      'Read',
      '"keeps" is durable before anything below it is said; a proposal carries the vote of its sender ([0095])',
    )
    .fact(
      'Left out',
      'beats (signs of life and acknowledgements, [0101]), and what is sent again for want of an answer',
    );
  // As the patent has it: the leader's vote is inside its proposal.
  const world = new PaxosWorld(3, { witness: D14, proposesAhead: false }, beginAtSlot28);
  const trace = new PaxosTrace(page, world, NAMES, '20');

  trace.heading('Before Fig. 9: 13 becomes the leader, with 200, for all slots from 29 on');
  world.run(300_000, () => world.leader() === D13);

  trace.heading('Fig. 9  the operational quorum {11, 13} at slot 29');
  world.run(300_000, () => world.device(D13).chosen.has(29));
  page.say('Message 800 goes to 11 and to 14. Each of their votes makes a majority with that of 13.');

  trace.heading('Fig. 10  client 20 wants u (900)');
  world.request(D13, '20', 1, 'u');
  world.run(50_000);
  page.say('901 goes to 11 alone, which answers (911). 14 never hears of u.');

  trace.heading('Fig. 11  11 fails; the operational quorum {13} at slot 31');
  trace.happens('11 stops');
  world.stop(D11);
  world.run(300_000, () => world.device(D13).chosen.has(31));
  page.say('1000 and 1014: 13 and 14 are a majority of the three, and 13 is of the quorum before.');

  trace.heading('Fig. 12  client 20 wants t (1100)');
  world.request(D13, '20', 2, 't');
  world.run(50_000);
  page.say('13 is the whole quorum: its own vote, kept, chooses t, and it answers (1101) by itself.');

  trace.heading('Fig. 13  13 fails, 11 returns, and client 20 wants w (1200)');
  trace.happens('13 stops; 11 starts again');
  world.stop(D13);
  world.start(D11, [...world.device(D11).records, { kind: 'promise', ballot: 297 }]);
  world.run(400_000);
  world.request(D11, '20', 3, 'w');
  world.run(200_000);
  const governance = world.device(D11).state.governance;
  const pair = (1 << D11) | (1 << D14);
  page.line(
    `  ${trace.name(pair)} of ${trace.name(allReplicas(world.device(D11).config) | (1 << D14))}: a majority that ` +
      `${isPromiseQuorum(world.device(D11).config, governance, pair) ? 'may' : 'may not'} lead slot 32, which ${trace.name(governance.quorum)} governs`,
  );
  page.say(
    '11 and 14 are a majority, and nothing can be chosen: neither a function for slot 32, where t is, nor ' +
      'another quorum. What 13 executed alone is known to 13 alone ([00116]).',
  );

  trace.heading('After Fig. 13  13 is repaired');
  trace.happens('13 starts again');
  world.start(D13);
  world.run(300_000, () => world.device(D11).chosen.has(33));
  world.request(world.leader(), '20', 3, 'w');
  world.run(20_000);
  return page.say('11 learns t before anything else, becomes a member again, and w comes after it.');
}
