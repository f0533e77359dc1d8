/**
 * Where a long run of changes may be cut in two. Pure.
 *
 * A cut takes the latest value of each key. Cut at a revision after which a key was set again, it would lack what the key
 * held there: readers would be at that revision and not hold what its owner held. So a seam is a revision at the end of a
 * turn such that no key changed on both sides of it since what is on its way. A change of a key undoes the seams from its
 * last change on.
 *
 * Invariant: revisions grow along the list. Between two seams stands a change that was not replaced, so there are no more of
 * them than there are keys that wait.
 */

export interface Seam {
  readonly revision: number;
  /** When the turn ended: all that was set before is before the seam. */
  readonly at: number;
}

export class Seams {
  #seams: Seam[] = [];
  /** What changed up to here is on its way. */
  #floor = 0;

  /** The turn that ended at `at` has made `revision`. */
  add(revision: number, at: number): void {
    if (revision > (this.#seams.at(-1)?.revision ?? this.#floor)) this.#seams.push({ revision, at });
  }

  /** A key was set that had been set at `before`. */
  changed(before: number): void {
    if (before <= this.#floor) return;
    for (
      let last = this.#seams.at(-1);
      last !== undefined && last.revision >= before;
      last = this.#seams.at(-1)
    )
      this.#seams.pop();
  }

  /** All up to `revision` is on its way. Where that is less than it was, nothing is known of what lies between. */
  sentUpTo(revision: number): void {
    if (revision < this.#floor) return this.clear(revision);
    this.#floor = revision;
    const first = this.#seams.findIndex((seam) => seam.revision > revision);
    if (first !== 0) this.#seams = first === -1 ? [] : this.#seams.slice(first);
  }

  /** The last one up to `revision`. */
  upTo(revision: number): Seam | undefined {
    return this.#seams.findLast((seam) => seam.revision <= revision);
  }

  clear(floor: number): void {
    this.#seams = [];
    this.#floor = floor;
  }
}
