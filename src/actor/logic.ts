/**
 * The actor logic of a participant, for `createActor`, `invoke` and `spawn`.
 *
 * The actor's snapshot has the mode, and the participant as `owner` or `follower`. The snapshot has no values
 * of the space: callers read them through the participant.
 */
import type { ActorLogic, ActorScope, ActorSystem, AnyActorRef, EventObject, Snapshot } from 'xstate';
import { createActor } from 'xstate';
import { inRoot } from '../base/root.ts';
import type { Role } from '../ports/observer.ts';
import type { Mode } from '../state/mode.ts';

export type { AnyActorRef } from 'xstate';

export type ParticipantEvent = EventObject;
// `any` is XState's own bound for a system, and any system will do here.
type AnySystem = ActorSystem<any>;

/** The snapshot of such an actor: the mode, and the participant as `snapshot.owner` or `snapshot.follower`. */
export type ParticipantSnapshot<R extends Role, T> = Snapshot<undefined> & {
  /** The mode of the participant. */
  readonly mode: Mode;
} & {
  readonly [N in R]: T;
};
/** The logic of an actor that is an owner or a follower, for XState's `createActor`, `invoke` and `spawn`. */
export type ParticipantLogic<R extends Role, T, E extends EventObject> = ActorLogic<
  ParticipantSnapshot<R, T>,
  ParticipantEvent,
  unknown,
  AnySystem,
  E
>;
export type ParticipantScope = ActorScope<ParticipantSnapshot<Role, never>, ParticipantEvent>;

/** The event that updates the mode in the snapshot. Only the participant's connection driver sends it. */
export const MODE_CHANGED = 'tandem.mode';

/** The calls of an actor to its participant. */
interface Acting {
  readonly mode: Mode;
  start(): void;
  stop(): Promise<unknown>;
  /** Handles an event that was sent to the actor from outside. */
  receive(event: ParticipantEvent): void;
  report(error: unknown): void;
}

export function participantLogic<R extends Role, T extends Acting, E extends EventObject>(
  role: R,
  make: (scope: ParticipantScope) => T,
): ParticipantLogic<R, T, E> {
  type S = ParticipantSnapshot<R, T>;
  const begin = (scope: unknown): S => {
    const participant = inRoot(make, scope as ParticipantScope);
    const { mode } = participant;
    return { status: 'active', output: undefined, error: undefined, mode, [role]: participant };
  };
  return {
    getInitialSnapshot: begin,
    // The participant's state is in Redis and in memory. A persisted snapshot has none of it.
    restoreSnapshot: (_, scope) => begin(scope),
    start: (snapshot) => inRoot(() => snapshot[role].start()),
    transition: (snapshot, event) => {
      const participant: T = snapshot[role];
      if (event.type === 'xstate.stop') {
        // The parent has stopped this actor, and does not wait: the participant's own stop goes on after
        // this.
        participant.stop().catch((error: unknown) => participant.report(error));
        return { ...snapshot, status: 'stopped', mode: 'stopped' };
      }
      if (event.type === MODE_CHANGED) {
        const { mode } = participant;
        return { ...snapshot, mode, status: mode === 'stopped' ? 'done' : 'active' };
      }
      // An error thrown here would end the actor.
      try {
        participant.receive(event);
      } catch (error) {
        participant.report(error);
      }
      return snapshot;
    },
    getPersistedSnapshot: ({ status, mode }) =>
      ({ status, mode, output: undefined, error: undefined }) as unknown as Snapshot<unknown>,
  };
}

/** Starts a participant as a child of another participant's actor, and returns it. */
export function startChild<R extends Role, T, E extends EventObject>(
  role: R,
  logic: ParticipantLogic<R, T, E>,
  { parent, id }: { readonly parent: AnyActorRef; readonly id: string },
): T {
  const actor = createActor(logic, { parent, id });
  const participant = actor.getSnapshot()[role];
  actor.start();
  return participant;
}
