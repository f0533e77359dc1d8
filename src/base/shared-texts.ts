/**
 * Texts of a state that changes, shared by all who ask for the same version of it.
 *
 * Whoever asks gets the text of the state as it is at that moment, never an older one. While the state has not
 * changed, the text that is there is shared. Else a new one begins, once the one before is out. So there is one
 * text of each part of the state at a time; a second one, where readers of the first take nothing; and further
 * ones, where readers are so slow that others would have to wait for more than a second. Whoever has to wait
 * asks again later, with all others who wait, and so they share the next text. One that takes long to make waits
 * for a moment at first: clients that have lost their server come back together.
 */
import type { Slices } from './slices.ts';
import type { TextReader } from './text.ts';
import { Text } from './text.ts';
import type { Cancel, Time } from './time.ts';

/** The greatest number of texts in the making: each makes a change of the state a little slower. */
const MAX_MAKING = 4;
/** What is shorter than this holds up no other text, bytes. */
const SMALL_BYTES = 1024 * 1024;
/** The longest wait for texts that slow readers hold, ms. */
const PATIENCE_MS = 1_000;
/** The readers of a text of which nothing was read for this time take nothing, ms. */
const STILL_MS = 100;
/** The greatest part of the time that the last text took to make, and the longest time, for which one waits, ms. */
const GATHER = { share: 0.25, maxMs: 250 };
/** The greatest number of parts of which such times are known. */
const MAX_KNOWN = 100;
/** A text that is made within this time waits for nobody, ms. */
const QUICK_MS = 40;
/** The time between two looks whether a text may begin, ms. */
const LOOK_MS = 20;

/** All that a text depends on, beside its part. Equal versions have identical members. */
type Version = readonly unknown[];

interface Shared {
  readonly part: string;
  readonly version: Version;
  readonly text: Text;
  /** On `Time`, ms. */
  readonly begunAt: number;
  /** `Text.readCount` as it was found last, and when it was first found so, on `Time`, ms. */
  readCount: number;
  movedAt: number;
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
  /** For how long the next text of a part waits at first, ms. */
  readonly #gatherMs = new Map<string, number>();
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
    const now = this.#time.now();
    const shared = { part, version, text, begunAt: now, readCount: 0, movedAt: now };
    const reader = text.open();
    this.#texts.add(shared);
    text.whenIdle(() => {
      this.#texts.delete(shared);
      this.#tellWaiting();
    });
    text.make(this.#slices, iterator, first.done ? '' : first.value);
    text.made.then(
      () => this.#made(shared),
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
    const ofPart = texts.filter((one) => one.part === part);
    const held = ofPart.reduce((bytes, { text }) => bytes + text.heldBytes, 0);
    const gatherMs = this.#gatherMs.get(part) ?? 0;
    if (held <= SMALL_BYTES && gatherMs === 0) return true;
    const now = this.#time.now();
    const since = this.#waitedSince.get(part) ?? now;
    // Of clients that left while they waited.
    if (this.#waitedSince.size > MAX_KNOWN) this.#waitedSince.clear();
    this.#waitedSince.set(part, since);
    if (now - since >= PATIENCE_MS) return true;
    if (now - since < gatherMs) return false;
    const isMoving = ofPart.filter((one) => wasRead(one, now)).length > 0;
    return held <= SMALL_BYTES || (!isMoving && held <= ofPart.at(-1)!.text.bytes);
  }

  #made({ part, begunAt }: Shared): void {
    const tookMs = this.#time.now() - begunAt;
    if (this.#gatherMs.size >= MAX_KNOWN) this.#gatherMs.clear();
    if (tookMs < QUICK_MS) this.#gatherMs.delete(part);
    else this.#gatherMs.set(part, Math.min(GATHER.maxMs, tookMs * GATHER.share));
    this.#tellWaiting();
  }

  #tellWaiting(): void {
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

/** Whether something of a text was read a moment ago. */
function wasRead(shared: Shared, now: number): boolean {
  const { readCount } = shared.text;
  if (readCount !== shared.readCount) Object.assign(shared, { readCount, movedAt: now });
  return now - shared.movedAt < STILL_MS;
}
