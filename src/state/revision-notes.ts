/**
 * Notes about the last revisions, such as the span that set each. Pure.
 *
 * Notes are in revision order; at least the last 1,024 are kept. Equal notes of successive revisions are one
 * note of a run of revisions.
 */

const MAX_NOTES = 1_024;

interface Note<T> {
  first: number;
  last: number;
  readonly what: T;
}

export class RevisionNotes<T> {
  #notes: Note<T>[] = [];

  /**
   * Adds a note about a revision. Notes about later revisions belong to a line that is gone, and are dropped.
   */
  note(revision: number, what: T): void {
    this.forgetAfter(revision);
    const note = this.#notes.at(-1);
    if (note?.what === what) {
      note.last = revision;
      return;
    }
    this.#notes.push({ first: revision, last: revision, what });
    // Half are dropped at once, so that adding a note costs O(1) amortized.
    if (this.#notes.length > 2 * MAX_NOTES) this.#notes = this.#notes.slice(-MAX_NOTES);
  }

  get isEmpty(): boolean {
    return this.#notes.length === 0;
  }

  /** The notes about revisions after `revision`, oldest first. */
  since(revision: number): T[] {
    const notes = this.#notes;
    let at = notes.length;
    while (at > 0 && notes[at - 1]!.last > revision) at -= 1;
    return notes.slice(at).map(({ what }) => what);
  }

  /** The note about `revision`, or the first one after it. */
  from(revision: number): T | undefined {
    const notes = this.#notes;
    let low = 0;
    for (let high = notes.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (notes[middle]!.last < revision) low = middle + 1;
      else high = middle;
    }
    return notes[low]?.what;
  }

  /** Drops the notes about revisions after `revision`: those changes were never made. */
  forgetAfter(revision: number): void {
    for (
      let note = this.#notes.at(-1);
      note !== undefined && note.last > revision;
      note = this.#notes.at(-1)
    ) {
      note.last = revision;
      if (note.first <= revision) return;
      this.#notes.pop();
    }
  }

  /** Makes every note a note about this revision. */
  moveTo(revision: number): void {
    for (const note of this.#notes) note.first = note.last = revision;
  }
}
