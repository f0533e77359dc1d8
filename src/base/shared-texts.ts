/**
 * Texts of a state that changes, shared by all who ask for the same version of it.
 *
 * Whoever asks gets the text of the state as it is at that moment, never an older one. While the state has not
 * changed, the text that is there is shared. Else a new one begins: one at a time for each part of the state,
 * and only while all texts of that part, the new one included, are about two states long together. Whoever has
 * to wait asks again later, with all others who wait, and so they share the next text. Readers that are slow
 * hold up the next text for a second at most.
 */
import type { Slices } from './slices.ts';
import type { TextReader } from './text.ts';
import { Text } from './text.ts';
import type { Cancel, Time } from './time.ts';

/** The greatest number of texts in the making: each makes a change of the state a little slower. */
const MAX_MAKING = 4;
/** Texts of a part that are shorter together hold up no other, bytes. */
const SMALL_BYTES = 1024 * 1024;
/** The longest wait for texts that slow readers hold, ms. */
const PATIENCE_MS = 1_000;
/** The time between two looks whether a text may begin, ms. */
const LOOK_MS = 50;

/** All that a text depends on, beside its part. Equal versions have identical members. */
type Version = readonly unknown[];

interface Shared {
  readonly part: string;
  readonly version: Version;
  readonly text: Text;
}

export class SharedTexts {
  readonly #slices: Slices;
  readonly #time: Time;
  readonly #newText: (part: string) => Text;
  /** Oldest first. */
  readonly #texts = new Set<Shared>();
  /** Since when texts of this part are waited for, on `Time`, ms. */
  readonly #waitedSince = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #cancelLook: Cancel | undefined;

  constructor(slices: Slices, time: Time, newText: (part: string) => Text = () => new Text()) {
    this.#slices = slices;
    this.#time = time;
    this.#newText = newText;
  }

  /** The number of texts that somebody reads. */
  get size(): number {
    return this.#texts.size;
  }

  /** Whether there is an open text of this part and version. */
  has(part: string, version: Version): boolean {
    return this.#find(part, version) !== undefined;
  }

  /**
   * Begins to read the text of a part of the state, as it is now.
   * @param version of the state: two texts of the same version and part are equal
   * @param parts makes the text; its first step fixes the state, as of this moment
   * @returns `undefined` where no text can begin now: ask again after `free`
   */
  open(part: string, version: Version, parts: () => Iterator<string, unknown, void>): TextReader | undefined {
    const known = this.#find(part, version);
    if (known !== undefined) return known.text.open();
    for (const shared of this.#texts) if (shared.part === part) shared.text.seal();
    if (!this.#mayBegin(part)) return undefined;
    this.#waitedSince.delete(part);
    const iterator = parts();
    const first = iterator.next();
    const text = this.#newText(part);
    const shared = { part, version, text };
    const reader = text.open();
    this.#texts.add(shared);
    text.whenIdle(() => {
      this.#texts.delete(shared);
      this.#tellWaiting();
    });
    text.make(this.#slices, iterator, first.done ? '' : first.value);
    text.made.then(
      () => this.#tellWaiting(),
      () => this.#tellWaiting(),
    );
    return reader;
  }

  /** Resolves when a text may begin that could not begin before. */
  free(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#lookAgain();
    });
  }

  #find(part: string, version: Version): Shared | undefined {
    for (const shared of this.#texts) {
      // planted: shared-text
      if (shared.part === part && isSame(shared.version, version) && shared.text.isOpen) return shared;
    }
    return undefined;
  }

  #mayBegin(part: string): boolean {
    const texts = [...this.#texts];
    const making = texts.filter(({ text }) => text.state === 'making');
    if (making.length >= MAX_MAKING || making.some((one) => one.part === part)) return false;
    const ofPart = texts.filter((one) => one.part === part).map(({ text }) => text);
    const held = ofPart.reduce((bytes, { heldBytes }) => bytes + heldBytes, 0);
    if (held <= Math.max(SMALL_BYTES, ofPart.at(-1)?.bytes ?? 0)) return true;
    const now = this.#time.now();
    const since = this.#waitedSince.get(part) ?? now;
    this.#waitedSince.set(part, since);
    return now - since >= PATIENCE_MS;
  }

  #tellWaiting(): void {
    if (this.#texts.size === 0) this.#waitedSince.clear();
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  /** Pieces that readers have passed make room without a word, so this looks from time to time. */
  #lookAgain(): void {
    this.#cancelLook ??= this.#time.after(LOOK_MS, () => this.#tellWaiting());
  }
}

function isSame(a: Version, b: Version): boolean {
  return a.every((member, n) => member === b[n]);
}
