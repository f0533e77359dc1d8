/**
 * The participants of one process. Invariant: at most one of them is a running owner of a space.
 */
import type { AnyParticipant } from './actor/participant.ts';
import type { Uncommitted } from './actor/stopped.ts';
import { TandemError } from './base/errors.ts';
import type { Sliced, Slices } from './base/slices.ts';
import type { Registered, Registry } from './ports/registry.ts';

/** A change that Redis is not known to hold, and its space. */
type OfSpace = Uncommitted & { readonly space: string };

export class Participants implements Registry, Iterable<AnyParticipant> {
  readonly #slices: Slices;
  readonly #entered: (participant: AnyParticipant) => void;
  readonly #all = new Set<AnyParticipant>();
  /** Those that a discovery has started. */
  readonly #found = new WeakSet<AnyParticipant>();
  /** What participants that stopped before could not commit. */
  readonly #uncommitted: OfSpace[] = [];
  /** Participants that have stopped before, while their part of that list is made. */
  readonly #leaving = new Set<Promise<void>>();
  #isClosed = false;

  /** @param entered told of each participant that enters */
  constructor(slices: Slices, entered: (participant: AnyParticipant) => void) {
    this.#slices = slices;
    this.#entered = entered;
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<AnyParticipant> {
    return this.#all.values();
  }

  /** The names of all spaces. */
  get spaces(): string[] {
    return namesOf(this.#all);
  }

  /** The names of those that are owned, or followed by name: not of those that a discovery alone follows. */
  get spacesByName(): string[] {
    return namesOf([...this.#all].filter((participant) => !this.#found.has(participant)));
  }

  /** The participant of each space, as `of` has it. */
  get ofEachSpace(): readonly AnyParticipant[] {
    const bySpace = new Map<string, AnyParticipant>();
    for (const participant of this.#all) {
      const { name } = participant.space;
      if (participant.isOwner || !bySpace.has(name)) bySpace.set(name, participant);
    }
    return [...bySpace.values()];
  }

  /** The participant of a space: the owner where there is one, else the first follower. */
  of(space: string): AnyParticipant | undefined {
    let first: AnyParticipant | undefined;
    for (const participant of this.#all) {
      if (participant.space.name !== space) continue;
      if (participant.isOwner) return participant;
      first ??= participant;
    }
    return first;
  }

  /** This participant was started by a discovery. */
  foundOnly(participant: AnyParticipant): void {
    this.#found.add(participant);
  }

  /** @throws TandemError `ALREADY_OWNED` or `STOPPED` */
  enter(entering: Registered): void {
    const participant = entering as AnyParticipant;
    this.requireRoom(participant.isOwner, participant.space.name);
    // A fenced owner stays listed, as stopped, until another participant replaces it.
    for (const old of this.#all) {
      const isSame = old.isOwner === participant.isOwner && old.space.name === participant.space.name;
      if (isSame && old.mode === 'stopped') this.#all.delete(old);
    }
    this.#all.add(participant);
    this.#entered(participant);
  }

  /** A participant has stopped by itself: what it could not commit is still told by `stop`. */
  leave(participant: Registered): void {
    const wasListed = this.#all.delete(participant as AnyParticipant);
    if (!wasListed || this.#isClosed) return;
    const leaving = this.#noteUncommitted(participant as AnyParticipant).finally(() =>
      this.#leaving.delete(leaving),
    );
    this.#leaving.add(leaving);
  }

  /** Nobody may enter any more. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Stops all participants, once nobody may enter any more.
   * @param timeoutMs for each of them, ms
   * @returns what they could not commit, and what those could not that had stopped before
   */
  async stop(timeoutMs: number): Promise<OfSpace[]> {
    const lists = await Promise.all(
      [...this.#all].map(async (participant) => {
        const { uncommitted } = await participant.stop({ timeoutMs });
        const list: OfSpace[] = [];
        await this.#slices.run(addTo(list, participant.space.name, uncommitted));
        return list;
      }),
    );
    await Promise.all(this.#leaving);
    return [...this.#uncommitted, ...lists.flat()];
  }

  /** @throws TandemError `STOPPED` */
  requireOpen(): void {
    if (this.#isClosed) throw stopped();
  }

  /**
   * Whether a participant may enter.
   * @throws TandemError `ALREADY_OWNED` or `STOPPED`
   */
  requireRoom(forOwner: boolean, space: string): void {
    this.requireOpen();
    const isOwned = (): boolean =>
      [...this.#all].some(
        ({ space: { name }, isOwner, mode }) => name === space && isOwner && mode !== 'stopped',
      );
    if (forOwner && isOwned())
      throw new TandemError('ALREADY_OWNED', `space "${space}" is owned in this process already`);
  }

  async #noteUncommitted(participant: AnyParticipant): Promise<void> {
    const { uncommitted } = await participant.stop();
    await this.#slices.run(addTo(this.#uncommitted, participant.space.name, uncommitted));
  }
}

/** The error of whatever is called after the stop. */
export function stopped(): TandemError {
  return new TandemError('STOPPED', 'this Tandem is stopped');
}

function namesOf(participants: Iterable<AnyParticipant>): string[] {
  return [...new Set([...participants].map(({ space }) => space.name))];
}

function* addTo(list: OfSpace[], space: string, changes: readonly Uncommitted[]): Sliced<void> {
  for (const change of changes) {
    list.push({ space, ...change });
    yield;
  }
}
