/**
 * What is known of the last revisions: notes in revision order, the oldest dropped beyond a bound. Pure.
 *
 * The same thing noted of one revision after another is one note, of a run of them.
 */

const MAX_NOTES = 1_024;

interface Note<T> {
  first: number;
  last: number;
  readonly what: T;
}

export class RevisionNotes<T> {
  #notes: Note<T>[] = [];

  /** Notes something of a revision. What is known of later ones is of a line that is no more. */
  note(revision: number, what: T): void {
    this.forgetAfter(revision);
    const note = this.#notes.at(-1);
    if (note?.what === what) {
      note.last = revision;
      return;
    }
    this.#notes.push({ first: revision, last: revision, what });
    // Half at once, so that a note costs the same in the long run however many there are.
    if (this.#notes.length > 2 * MAX_NOTES) this.#notes = this.#notes.slice(-MAX_NOTES);
  }

  get isEmpty(): boolean {
    return this.#notes.length === 0;
  }

  /** What was noted after `revision`, oldest first. */
  since(revision: number): T[] {
    const notes = this.#notes;
    let at = notes.length;
    while (at > 0 && notes[at - 1]!.last > revision) at -= 1;
    return notes.slice(at).map(({ what }) => what);
  }

  /** The first that was noted of `revision` or of what came after it. */
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

  /** What was noted after `revision` never came to be. */
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

  /** All that was noted is of this revision. */
  moveTo(revision: number): void {
    for (const note of this.#notes) note.first = note.last = revision;
  }
}
