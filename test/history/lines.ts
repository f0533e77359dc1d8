/**
 * The lines of a history: for each epoch, the state of its owner at each revision. The lines are built from
 * the owners' events, and the checkers compare what followers show with them.
 */
import { placeOf } from './place.ts';
import type { EventOf, History, Id } from './event.ts';

export interface Step {
  readonly revision: number;
  readonly key: string;
  readonly id: Id;
  /** True if more of its batch follows. Nobody may see the state as of such a step. */
  readonly isOpen: boolean;
  readonly at: number;
  /** The number of this operation among all operations of its owner, from 1. */
  readonly index: number;
}

export type State = ReadonlyMap<string, number>;

/** One ownership: from a claim to the same owner's next claim, or to the owner's end. */
export class OwnerLine {
  readonly owner: string;
  readonly epoch: number;
  readonly claimedAt: number;
  readonly startRevision: number;
  readonly startState: State;
  /** How many operations came before the claim. Their effects are in `startState`. */
  readonly startIndex: number;
  readonly steps: Step[] = [];
  /** Cached once it has been computed. */
  supersededAt: number | undefined;
  #cursor = -1;
  #state = new Map<string, number>();

  constructor(owner: string, epoch: number, claimedAt: number, start: [number, State, number]) {
    this.owner = owner;
    this.epoch = epoch;
    this.claimedAt = claimedAt;
    [this.startRevision, this.startState, this.startIndex] = start;
    this.#state = new Map(this.startState);
  }

  /** How many operations of the owner are in the state at `revision`. */
  indexAt(revision: number): number {
    const at = this.#stepAt(revision);
    return at < 0 ? this.startIndex : this.steps[at]!.index;
  }

  /** The step at exactly `revision`, if there is one. */
  stepAt(revision: number): Step | undefined {
    const step = this.steps[this.#stepAt(revision)];
    return step?.revision === revision ? step : undefined;
  }

  /** The state that a follower at `revision` must have; `undefined` where no follower may be. */
  stateAt(revision: number): State | undefined {
    const at = this.#stepAt(revision);
    const step = this.steps[at];
    if ((step?.revision ?? this.startRevision) !== revision || step?.isOpen === true) return undefined;
    // Callers mostly ask in ascending order, so the state is built from the last one asked for.
    if (at < this.#cursor) {
      this.#state = new Map(this.startState);
      this.#cursor = -1;
    }
    while (this.#cursor < at) {
      const { key, id } = this.steps[(this.#cursor += 1)]!;
      if (id === null) this.#state.delete(key);
      else this.#state.set(key, id);
    }
    return this.#state;
  }

  /** The index of the last step at or before `revision`; -1 before the first. */
  #stepAt(revision: number): number {
    let low = 0;
    let high = this.steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.steps[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The life of one owner. */
export interface OwnerLife {
  readonly owner: string;
  readonly ops: EventOf<'op'>[];
  readonly lines: OwnerLine[];
}

export class Lines {
  readonly lives = new Map<string, OwnerLife>();
  readonly all: OwnerLine[] = [];
  readonly #byEpoch = new Map<number, OwnerLine[]>();
  readonly #losses: readonly EventOf<'loss'>[];

  constructor(history: History) {
    this.#losses = history.of('loss');
    for (const event of history.events) {
      if (event.type === 'op') this.#op(event);
      else if (event.type === 'claimed') this.#claimed(event);
    }
  }

  /**
   * The lines with this epoch. There is one, except for epoch 0, which every owner has before its first
   * claim.
   */
  of(epoch: number): readonly OwnerLine[] {
    return this.#byEpoch.get(epoch) ?? [];
  }

  /** The line with the newest claim at a time. */
  newestAt(at: number): OwnerLine | undefined {
    return this.all.findLast(({ epoch, claimedAt }) => epoch > 0 && claimedAt <= at);
  }

  /**
   * The time at which another owner claimed after this line. Infinity if none did, or if this owner claimed
   * again, which means that Redis had forgotten the other.
   */
  supersededAt(line: OwnerLine): number {
    if (line.epoch === 0 || this.life(line.owner).lines.at(-1) !== line) return Infinity;
    line.supersededAt ??=
      this.all.find(
        ({ owner, epoch, claimedAt }) =>
          owner !== line.owner && epoch > line.epoch && claimedAt > line.claimedAt,
      )?.claimedAt ?? Infinity;
    return line.supersededAt;
  }

  /**
   * Whether the claim of this line stands again at `at`, although another owner has claimed since: a loss has
   * taken Redis back to this very claim, and nobody has claimed after the loss.
   */
  isReinstated(line: OwnerLine, at: number): boolean {
    const lostAt = this.#losses.findLast((loss) => loss.at <= at && loss.fence === line.epoch)?.at;
    if (lostAt === undefined || line.epoch === 0) return false;
    return this.all.every(
      ({ owner, claimedAt }) => owner === line.owner || claimedAt <= lostAt || claimedAt >= at,
    );
  }

  life(owner: string): OwnerLife {
    let life = this.lives.get(owner);
    if (life === undefined) {
      life = { owner, ops: [], lines: [] };
      this.lives.set(owner, life);
      this.#add(life, new OwnerLine(owner, 0, -Infinity, [0, new Map(), 0]));
    }
    return life;
  }

  #op(op: EventOf<'op'>): void {
    const life = this.life(op.owner);
    life.ops.push(op);
    const { epoch, revision } = placeOf(op.head);
    const line = life.lines.at(-1)!;
    // Deleting an absent key changes nothing.
    const isNew = revision > (line.steps.at(-1)?.revision ?? line.startRevision);
    if (line.epoch !== epoch || !isNew) return;
    const { key, id, open, at } = op;
    line.steps.push({ revision, key, id, isOpen: open, at, index: life.ops.length });
  }

  #claimed({ owner, head, state, at }: EventOf<'claimed'>): void {
    const life = this.life(owner);
    const { epoch, revision } = placeOf(head);
    const held = new Map(state.map(([key, id]) => [key, id!]));
    this.#add(life, new OwnerLine(owner, epoch, at, [revision, held, life.ops.length]));
  }

  #add(life: OwnerLife, line: OwnerLine): void {
    life.lines.push(line);
    this.all.push(line);
    this.#byEpoch.set(line.epoch, [...this.of(line.epoch), line]);
  }
}
