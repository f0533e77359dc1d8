/** The registry: the participants of one process. */
import type { Mode } from '../state/mode.ts';
import type { Proof } from '../state/reading.ts';
import type { Role } from './observer.ts';

/** A participant, as the registry and the metrics see it. */
export interface Registered {
  readonly space: { readonly name: string };
  readonly role: Role;
  readonly isOwner: boolean;
  readonly mode: Mode;
  /** Whether Redis answers on all connections that it needs. */
  readonly link: { readonly up: boolean };
  /** Whether its process has no Redis, and follows others. */
  readonly isUpstream: boolean;
  readonly proof: Proof;
}

export interface Registry {
  /**
   * Adds a participant.
   * @throws TandemError `ALREADY_OWNED` or `STOPPED`
   */
  enter(participant: Registered): void;
  /** Removes a participant. */
  leave(participant: Registered): void;
  /** The number of participants in this process. */
  readonly size: number;
}
