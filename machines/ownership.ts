/**
 * The ownership machine: an owner's right to its space.
 *
 * Like the connection machine, it holds the mode only. Invariant: `fenced` and `released` are final. An actor
 * that has lost its space never claims it again; only a new actor can.
 */
import { setup } from 'xstate';

export type OwnershipEvent =
  /** The standby has found the lease free. */
  | { type: 'free' }
  /** Another owner holds the lease. */
  | { type: 'held' }
  /** The store has granted an epoch. */
  | { type: 'claimed' }
  /** The store has lost the claim or keys: the space must be claimed again. */
  | { type: 'lost' }
  /** Another owner has claimed the space. */
  | { type: 'fenced' }
  /** The owner has given up its space by itself. */
  | { type: 'released' };

/** The machine of an owner's right to its space, as an XState machine. */
export const ownershipMachine = setup({
  types: {
    context: {} as { standby: boolean },
    input: {} as { standby: boolean },
    events: {} as OwnershipEvent,
  },
  guards: {
    isStandby: ({ context }) => context.standby,
  },
}).createMachine({
  id: 'ownership',
  context: ({ input }) => input,
  initial: 'choosing',
  on: {
    fenced: '.fenced',
    released: '.released',
  },
  states: {
    choosing: {
      always: [{ guard: 'isStandby', target: 'standby' }, { target: 'claiming' }],
    },
    standby: {
      description: 'Follows, and waits for the lease to be free.',
      on: { free: 'claiming' },
    },
    claiming: {
      description: 'Asks for an epoch.',
      on: { claimed: 'leading', held: { guard: 'isStandby', target: 'standby' } },
    },
    leading: {
      description: 'Its commits are the order of the space.',
      on: { lost: 'claiming' },
    },
    fenced: { type: 'final' },
    released: { type: 'final' },
  },
});
