/** The participants of one process, as others in it see them. */
import type { Mode } from '../state/mode.ts';
import type { Proof } from '../state/reading.ts';
import type { Role } from './observer.ts';

/** What the registry, and whoever measures, knows of a participant. */
export interface Registered {
  readonly space: { readonly name: string };
  readonly role: Role;
  readonly isOwner: boolean;
  readonly mode: Mode;
  readonly proof: Proof;
}

export interface Registry {
  /** @throws TandemError `ALREADY_OWNED` or `STOPPED` */
  enter(participant: Registered): void;
  leave(participant: Registered): void;
  /** How many participants this process has. */
  readonly size: number;
}
