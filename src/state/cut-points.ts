/**
 * Where a long run of changes may be cut in two. Pure.
 *
 * A cut takes the latest value of each key. Cut at a revision after which a key was set again, it would lack what the key
 * held there: readers would be at that revision and not hold what its owner held. So a cutPoint is a revision at the end of a
 * turn such that no key changed on both sides of it since what is on its way. A change of a key undoes the cutPoints from its
 * last change on.
 *
 * Invariant: revisions grow along the list. Between two cutPoints stands a change that was not replaced, so there are no more of
 * them than there are keys that wait.
 */

export interface CutPoint {
  readonly revision: number;
  /** When the turn ended: all that was set before is before the cutPoint. */
  readonly at: number;
}

export class CutPoints {
  #cutPoints: CutPoint[] = [];
  /** What changed up to here is on its way. */
  #floor = 0;

  /** The turn that ended at `at` has made `revision`. */
  add(revision: number, at: number): void {
    if (revision > (this.#cutPoints.at(-1)?.revision ?? this.#floor)) this.#cutPoints.push({ revision, at });
  }

  /** A key was set that had been set at `before`. */
  changed(before: number): void {
    if (before <= this.#floor) return;
    for (
      let last = this.#cutPoints.at(-1);
      last !== undefined && last.revision >= before;
      last = this.#cutPoints.at(-1)
    )
      this.#cutPoints.pop();
  }

  /** All up to `revision` is on its way. Where that is less than it was, nothing is known of what lies between. */
  sentUpTo(revision: number): void {
    if (revision < this.#floor) return this.clear(revision);
    this.#floor = revision;
    const first = this.#cutPoints.findIndex((cutPoint) => cutPoint.revision > revision);
    if (first !== 0) this.#cutPoints = first === -1 ? [] : this.#cutPoints.slice(first);
  }

  /** The last one up to `revision`. */
  upTo(revision: number): CutPoint | undefined {
    return this.#cutPoints.findLast((cutPoint) => cutPoint.revision <= revision);
  }

  clear(floor: number): void {
    this.#cutPoints = [];
    this.#floor = floor;
  }
}
