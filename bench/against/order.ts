/** The order of a comparison's runs. */

/** This tree, the other one, and this tree once more: the control. */
export type Side = 'this' | 'that' | 'control';

const FORWARD: readonly Side[] = ['this', 'that', 'control'];

/**
 * One round gives one pair (this, that) and one control pair (this, control). Every other round goes
 * backwards, so that each side is as often first as second: what a machine loses in the course of a run, it
 * loses to both alike.
 *
 * Both pairs share the run of `this`. That saves a quarter of the time; and a run of `this` that something
 * disturbed shows in the control as well.
 */
export function order(pairs: number): (readonly Side[])[] {
  return Array.from({ length: pairs }, (_, round) => (round % 2 === 0 ? FORWARD : FORWARD.toReversed()));
}
