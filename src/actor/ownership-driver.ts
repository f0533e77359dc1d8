/**
 * The ownership driver: runs the ownership machine of one owner. Every event to that machine goes through the
 * driver. It passes the state on after each event: to the observers, then to the listeners.
 */
import type { Actor } from 'xstate';
import { createActor } from 'xstate';
import type { OwnershipEvent } from '../../machines/ownership.ts';
import { ownershipMachine } from '../../machines/ownership.ts';
import type { Observers } from '../ports/observer.ts';
import type { Ownership } from '../state/mode.ts';
import type { ParticipantScope } from './logic.ts';
import type { HeldBy } from './obstacle.ts';
import type { Reporter } from './reporter.ts';

/**
 * The owner's right to its space, after each event of the ownership machine: the same state may come again.
 * With `heldBy` the claim waits for another owner's lease: until that has run out, or until its holder is
 * seen to renew it.
 */
export type OwnershipChangedEvent = {
  /** The type, for `on`. */
  readonly type: 'ownership';
  /** The right that the owner has now. */
  readonly ownership: Ownership;
  /** The owner whose lease this claim waits for; absent where it waits for none. */
  readonly heldBy?: HeldBy;
};

export class OwnershipDriver {
  readonly #space: string;
  readonly #observers: Observers;
  readonly #reporter: Reporter;
  readonly #machine: Actor<typeof ownershipMachine>;

  /** @param isStandby whether the owner begins by waiting for the space to be free */
  constructor(
    space: string,
    observers: Observers,
    scope: ParticipantScope,
    reporter: Reporter,
    isStandby: boolean,
  ) {
    this.#space = space;
    this.#observers = observers;
    this.#reporter = reporter;
    const input = { standby: isStandby };
    this.#machine = createActor(ownershipMachine, { parent: scope.self, id: 'ownership', input });
  }

  get ownership(): Ownership {
    return this.#machine.getSnapshot().value as Ownership;
  }

  start(): void {
    this.#machine.subscribe(({ value }) => {
      const ownership = value as Ownership;
      this.#observers.tell('ownership', { space: this.#space, ownership });
      this.#reporter.emit({ type: 'ownership', ownership } satisfies OwnershipChangedEvent);
    });
    this.#machine.start();
  }

  /** Says that a claim waits for another owner's lease. */
  heldBy(heldBy: HeldBy): void {
    this.#reporter.emit({
      type: 'ownership',
      ownership: this.ownership,
      heldBy,
    } satisfies OwnershipChangedEvent);
  }

  send(event: OwnershipEvent['type']): void {
    this.#machine.send({ type: event });
  }
}
