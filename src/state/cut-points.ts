/**
 * Cut points: the revisions at which a long run of unsent changes may be cut in two. Pure.
 *
 * A cut has only each key's latest value. If a key changed on both sides of revision r, the state as of r is
 * gone: r is no cut point. So a cut point is a revision at the end of a turn such that no key changed on both
 * sides of it, counted from the last revision sent. A change of a key removes every cut point from that key's
 * last change on.
 *
 * Invariant: revisions grow along the list. Between two cut points lies at least one change that no later
 * change has replaced, so there are never more cut points than unsent keys.
 */

export interface CutPoint {
  readonly revision: number;
  /** The end of the turn, on `Time`, ms: everything set earlier has a revision up to this one. */
  readonly at: number;
}

export class CutPoints {
  #cutPoints: CutPoint[] = [];
  /** The changes up to this revision are sent. */
  #floor = 0;

  /** Adds the revision at which the turn that ended at `at` left the state. */
  add(revision: number, at: number): void {
    if (revision > (this.#cutPoints.at(-1)?.revision ?? this.#floor)) this.#cutPoints.push({ revision, at });
  }

  /** A key changed again; its change before was `before`. */
  changed(before: number): void {
    // planted: cut-points
    if (before <= this.#floor) return;
    for (
      let last = this.#cutPoints.at(-1);
      last !== undefined && last.revision >= before;
      last = this.#cutPoints.at(-1)
    )
      this.#cutPoints.pop();
  }

  /**
   * All changes up to `revision` are sent. A `revision` below the last one, as after a failed commit, drops
   * every cut point: nobody recorded which keys changed in between.
   */
  sentUpTo(revision: number): void {
    if (revision < this.#floor) return this.clear(revision);
    this.#floor = revision;
    const first = this.#cutPoints.findIndex((cutPoint) => cutPoint.revision > revision);
    if (first !== 0) this.#cutPoints = first === -1 ? [] : this.#cutPoints.slice(first);
  }

  /** The last cut point up to `revision`. */
  upTo(revision: number): CutPoint | undefined {
    return this.#cutPoints.findLast((cutPoint) => cutPoint.revision <= revision);
  }

  /** The first cut point among the changes that are not sent. */
  get first(): CutPoint | undefined {
    return this.#cutPoints[0];
  }

  clear(floor: number): void {
    this.#cutPoints = [];
    this.#floor = floor;
  }
}
