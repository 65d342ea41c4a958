/**
 * OM(f): Byzantine generals with oral messages (Lamport, Shostak, Pease 1982, §3; coulouris 15.5.3), all n instances
 * of a tick in one EIG tree. With f = 0 it is one exchange without relay.
 * It must never count a value that did not come by the path its label states.
 */
import { sameValue } from '../bytes.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round, Value, Vector } from '../types.js';
import { strictMajority } from '../voting/majority.js';
import type { Algorithm, Contradiction, ItemRejection, TickAgreement } from './algorithm.js';
import { judgePath, noRejections } from './algorithm.js';
import { layOutEigTree, type EigNode, type EigTree } from './eig-tree.js';

/**
 * Four replicas, one of which may be faulty, can foresee what OM(1) decides: the values that they have heard directly. If
 * three foresee the same vector V, at least two of these are correct. Let L be any correct replica and c a commander other
 * than it. Of the three votes that L has about c, its own value and two relays, two are V's entry of c:
 * - if one of the two is c, it sent all others that value, and of the other two lieutenants at most one is faulty;
 * - else both have heard it from c. L is one of them and the other relays it, or both relay it to L.
 * What L itself proposes it sends to both alike. So L decides V. For no other n is a majority of such votes certain.
 */
const FORESEEING = { n: 4, f: 1 } as const;

/** OM(f) for n replicas; sound only for n ≥ 3f+1 (the rig's check refuses the rest). */
export function createOralMessages(n: number, f: number): Algorithm {
  const tree = layOutEigTree(n, f + 1);
  const plans: RelayPlan[] = [];
  return {
    name: `OM(${f})`,
    rounds: f + 1,
    foresees: n === FORESEEING.n && f === FORESEEING.f,
    createTick: (self) => new OralMessagesTick(tree, self, (plans[self] ??= planRelays(tree, self))),
  };
}

/** By receiver and level: the nodes whose values one replica relays. */
type RelayPlan = readonly (readonly (readonly EigNode[])[])[];

function planRelays(tree: EigTree, self: ReplicaIndex): RelayPlan {
  return Array.from({ length: tree.n }, (_, receiver) => {
    const excluded = (1 << self) | (1 << receiver);
    return tree.levels.map((nodes) => nodes.filter(({ members }) => (members & excluded) === 0));
  });
}

const NO_CONTRADICTIONS: readonly Contradiction[] = [];

class OralMessagesTick implements TickAgreement {
  /** By node index; undefined where nothing was accepted, which decides like absent. */
  private readonly values: (MaybeValue | undefined)[];
  private decided: Vector | null = null;

  constructor(
    private readonly tree: EigTree,
    private readonly self: ReplicaIndex,
    private readonly plan: RelayPlan,
  ) {
    this.values = new Array<MaybeValue | undefined>(tree.size);
    // One by one: for so few, a call that fills costs more.
    for (let node = 0; node < tree.size; node += 1) this.values[node] = undefined;
  }

  propose(value: MaybeValue): void {
    this.values[this.self] = value; // the roots are the first n nodes
  }

  accept(round: Round, sender: ReplicaIndex, items: readonly RelayItem[]): readonly ItemRejection[] {
    let rejections: ItemRejection[] | null = null;
    for (const item of items) {
      let cause = judgePath(item.path, round, sender, this.self, this.tree.n);
      if (cause === null) {
        const node = this.findNode(item.path, sender);
        if (this.values[node] === undefined) this.values[node] = item.value;
        else cause = 'path-twice';
      }
      if (cause !== null) (rejections ??= []).push(cause);
    }
    return rejections ?? noRejections();
  }

  relay(round: Round, receiver: ReplicaIndex): readonly RelayItem[] {
    // OM(m) step 1: the commander sends its value to every lieutenant.
    if (round === 1) return [{ path: [], value: this.values[this.self] ?? null }];
    // OM(m) step 2: lieutenant i acts as commander for the value it accepted in the round before, absent included.
    const nodes = this.plan[receiver]?.[round - 2] ?? [];
    return nodes.map((node) => ({ path: node.path, value: this.values[node.index] ?? null }));
  }

  /**
   * Relays that are still to come only add votes: where the values here already are a strict majority, at every level
   * that it takes, they stay one. Absent is what fewer votes than that look like, so it never settles anything.
   */
  isSettled(): boolean {
    const vector = this.resolveAll();
    for (let commander = 0; commander < vector.length; commander += 1)
      if (commander !== this.self && vector[commander] === null) return false;
    this.decided = vector;
    return true;
  }

  foresee(): Vector {
    const heard = new Array<MaybeValue>(this.tree.n);
    for (let commander = 0; commander < heard.length; commander += 1)
      heard[commander] = this.values[commander] ?? null;
    return heard;
  }

  decide(): Vector {
    this.decided ??= this.resolveAll();
    return this.decided;
  }

  contradictions(): readonly Contradiction[] {
    const vector = this.decide();
    let found: readonly Contradiction[] = NO_CONTRADICTIONS;
    if (this.tree.rounds < 2) return found;
    for (let commander = 0; commander < vector.length; commander += 1) {
      const agreed = vector[commander] as MaybeValue;
      if (commander === this.self || this.areAllClaims(commander, agreed)) continue;
      found = [...found, ...this.contradictionsAbout(commander, agreed)];
    }
    return found;
  }

  private contradictionsAbout(commander: ReplicaIndex, agreed: MaybeValue): Contradiction[] {
    const claims = this.claimsAbout(commander);
    // Where nothing was agreed on, two different values show that somebody lied; one may be all that came through.
    const first = claims[0]?.value ?? null;
    const split = claims.some(({ value }) => !sameValue(value, first));
    return claims
      .filter(({ value }) => (agreed === null ? split : !sameValue(value, agreed)))
      .map(({ relayer }) => ({ commander, relayer }));
  }

  /** Whether everybody claims of the commander what was agreed on, which is the usual case. */
  private areAllClaims(commander: ReplicaIndex, agreed: MaybeValue): boolean {
    if (agreed === null) return false;
    for (let relayer = 0; relayer < this.tree.n; relayer += 1) {
      if (relayer === commander) continue;
      const node = relayer === this.self ? commander : this.tree.childOf(commander, relayer);
      const value = this.values[node];
      if (value !== undefined && value !== null && !sameValue(value, agreed)) return false;
    }
    return true;
  }

  /** What each commander's value comes to as things stand. */
  private resolveAll(): Vector {
    return (this.tree.levels[0] as readonly EigNode[]).map((root) =>
      root.index === this.self
        ? (this.values[root.index] ?? null)
        : this.resolve(root.index, 1, root.members),
    );
  }

  /**
   * What the commander told this replica itself, whose relayer is beyond doubt, and what others say it told them.
   * Who has nothing to tell may have been reached by nothing: absent contradicts nobody.
   */
  private claimsAbout(commander: ReplicaIndex): { relayer: ReplicaIndex; value: Value }[] {
    const claims: { relayer: ReplicaIndex; value: Value }[] = [];
    for (let relayer = 0; relayer < this.tree.n; relayer += 1) {
      if (relayer === commander) continue;
      const node = relayer === this.self ? commander : this.tree.childOf(commander, relayer);
      const value = this.values[node];
      if (value !== undefined && value !== null) claims.push({ relayer, value });
    }
    return claims;
  }

  /** OM(m) step 3: strict majority of the own value and of what OM(m−1) gives for every other lieutenant. */
  private resolve(node: number, level: number, members: number): MaybeValue {
    const own = this.values[node] ?? null;
    if (level === this.tree.rounds) return own;
    const { tree } = this;
    const electorate = tree.n - level;
    const votes = new Array<MaybeValue>(electorate);
    votes[0] = own;
    let cast = 1;
    for (let relayer = 0; relayer < tree.n; relayer += 1) {
      const bit = 1 << relayer;
      if ((members & bit) !== 0 || relayer === this.self) continue;
      votes[cast] = this.resolve(tree.childOf(node, relayer), level + 1, members | bit);
      cast += 1;
    }
    return strictMajority(votes, electorate);
  }

  /** Node of a path that `judgePath` found sound. */
  private findNode(path: readonly ReplicaIndex[], sender: ReplicaIndex): number {
    if (path.length === 0) return sender;
    let node = path[0] as number;
    for (let at = 1; at < path.length; at += 1) node = this.tree.childOf(node, path[at] as number);
    return this.tree.childOf(node, sender);
  }
}
