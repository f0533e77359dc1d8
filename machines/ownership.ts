/**
 * The ownership machine: what an owner may do with its space.
 *
 * Like the connection machine it holds the mode only. `fenced` and `released` are final: an actor that has
 * lost its space never takes it again; a new one does.
 */
import { setup } from 'xstate';

export type OwnershipEvent =
  /** A standby has found the lease free. */
  | { type: 'free' }
  /** Another owner lives after all, or came first. */
  | { type: 'held' }
  /** The store has granted an epoch. */
  | { type: 'claimed' }
  /** The store has lost the claim, or data: it has to be claimed again. */
  | { type: 'lost' }
  /** Another owner has the space. */
  | { type: 'fenced' }
  /** Given up of its own accord. */
  | { type: 'released' };

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
