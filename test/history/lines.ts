/**
 * The lines of a history: for each epoch, what its owner held at each revision. Made from what owners did and said;
 * what followers show is held against it.
 */
import { placeOf } from './place.ts';
import type { EventOf, History, Id } from './event.ts';

export interface Step {
  readonly revision: number;
  readonly key: string;
  readonly id: Id;
  /** More of its batch follows: nobody may see the state as of here. */
  readonly isOpen: boolean;
  readonly at: number;
  /** The how-manieth operation of its owner it is. */
  readonly index: number;
}

export type State = ReadonlyMap<string, number>;

/** One ownership: from a claim to the next of the same owner, or to its end. */
export class OwnerLine {
  readonly owner: string;
  readonly epoch: number;
  readonly claimedAt: number;
  readonly startRevision: number;
  readonly startState: State;
  /** Operations that were done before it was claimed, and are in `startState`. */
  readonly startIndex: number;
  readonly steps: Step[] = [];
  /** Once it is known. */
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

  /** How many of its owner's operations are in the state at `revision`. */
  indexAt(revision: number): number {
    const at = this.#stepAt(revision);
    return at < 0 ? this.startIndex : this.steps[at]!.index;
  }

  /** What was done at `revision`, if anything. */
  stepAt(revision: number): Step | undefined {
    const step = this.steps[this.#stepAt(revision)];
    return step?.revision === revision ? step : undefined;
  }

  /** What a follower at `revision` has to hold; `undefined` where nobody may be there. */
  stateAt(revision: number): State | undefined {
    const at = this.#stepAt(revision);
    const step = this.steps[at];
    if ((step?.revision ?? this.startRevision) !== revision || step?.isOpen === true) return undefined;
    // Asked for mostly in order: goes on from where it was.
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

  /** The last step at or before `revision`; -1 before the first. */
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

/** One owner's life. */
export interface OwnerLife {
  readonly owner: string;
  readonly ops: EventOf<'op'>[];
  readonly lines: OwnerLine[];
}

export class Lines {
  readonly lives = new Map<string, OwnerLife>();
  readonly all: OwnerLine[] = [];
  readonly #byEpoch = new Map<number, OwnerLine[]>();

  constructor(history: History) {
    for (const event of history.events) {
      if (event.type === 'op') this.#op(event);
      else if (event.type === 'claimed') this.#claimed(event);
    }
  }

  /** Lines with this epoch: one, but for epoch 0, in which everyone is before the first claim. */
  of(epoch: number): readonly OwnerLine[] {
    return this.#byEpoch.get(epoch) ?? [];
  }

  /** The line whose claim is the newest at a time. */
  newestAt(at: number): OwnerLine | undefined {
    return this.all.findLast(({ epoch, claimedAt }) => epoch > 0 && claimedAt <= at);
  }

  /**
   * When another owner claims after this line; Infinity when none does, or when this owner claims again: Redis had
   * forgotten the other.
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
    // A delete of what is not there changes nothing.
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
