/** What has changed of a participant, and when. Pure. */

/** `mode`: of its connection to the space. `freshness`: of its readings. `owner`: how the owner stands. */
export type TransitionKind = 'mode' | 'freshness' | 'owner';

export const TRANSITION_KINDS: readonly TransitionKind[] = ['mode', 'freshness', 'owner'];

/** A change of state, at a moment on one clock or another. */
export interface Transition {
  /** What has changed. */
  readonly kind: TransitionKind;
  /** What it was before. */
  readonly from: string;
  /** What it was from then on. */
  readonly to: string;
  /** Why, for people: the reason of a mode or of staleness, or the name of an owner. May be empty. */
  readonly reason: string;
  /** When it became so, ms. */
  readonly at: number;
}
