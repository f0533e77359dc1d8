/**
 * This process's idea of the server's clock.
 *
 * A round trip that left at `sentAt`, came back at `receivedAt` and bears the server's time `serverMs` proves
 * that `server - local` lies between `serverMs - receivedAt` and `serverMs - sentAt`: the middle, give or take
 * half the round trip (Cristian, "Probabilistic clock synchronization", 1989). The shortest round trip of a
 * window wins. Between samples the bound widens by the drift that two quartz clocks may have. Wall clocks of
 * this machine are never read.
 *
 * Invariant: `now()` never goes back, but where the server's clock was set back. A better sample that says that it is
 * earlier is waited for, and the error is larger by as much meanwhile.
 */
import type { Time } from './time.ts';

interface Sample {
  /** Server's time less local time, ms. */
  readonly offsetMs: number;
  readonly errorMs: number;
  readonly at: number;
}

/** Two clocks drift apart by at most this much: 200 ppm, twice what common crystals are sold with. */
const DRIFT = 200e-6;
/** Milliseconds since 1970 are told to 1/4096 ms by a double; an offset is made of a few. */
const ROUNDING_MS = 0.001;
const WINDOW_MS = 30_000;
const MAX_SAMPLES = 32;
/** A sample sooner than this after another is kept only when it is the better one. */
const MIN_SPACING_MS = 250;

export class ServerClock {
  readonly #time: Time;
  #samples: Sample[] = [];
  #best: Sample | undefined;
  /** The latest that was ever told; not to be gone behind. */
  #toldMs = -Infinity;

  constructor(time: Time) {
    this.#time = time;
  }

  /** Takes in one round trip. All in ms; `sentAt` and `receivedAt` on the local clock. */
  sample(sentAt: number, serverMs: number, receivedAt: number): void {
    if (!Number.isFinite(serverMs) || receivedAt < sentAt) return;
    const errorMs = (receivedAt - sentAt) / 2;
    // The server may have stamped as early as this left; from there on the clocks may drift apart.
    const sample = { offsetMs: serverMs - (sentAt + receivedAt) / 2, errorMs, at: sentAt };
    const best = this.#best;
    if (best !== undefined && !this.#agree(best, sample)) this.reset();
    else if (best !== undefined && errorMs >= this.#bound(best) && !this.#isSpaced(sample)) return;
    this.#samples = this.#samples.filter(({ at }) => receivedAt - at < WINDOW_MS).slice(1 - MAX_SAMPLES);
    this.#samples.push(sample);
    this.#best = this.#samples.reduce((a, b) => (this.#bound(b) <= this.#bound(a) ? b : a));
  }

  /** Forgets all samples: the next server may have another clock. */
  reset(): void {
    this.#samples = [];
    this.#best = undefined;
    this.#toldMs = -Infinity;
  }

  /** The bound of the error, ms: the server's time is within `now() ± errorMs`. Infinite without a sample. */
  get errorMs(): number {
    if (this.#best === undefined) return Infinity;
    return this.#bound(this.#best) + Math.max(0, this.#toldMs - this.#estimate(this.#best));
  }

  /** The server's time in ms since 1970, as best known; NaN without a sample. */
  now(): number {
    if (this.#best === undefined) return NaN;
    this.#toldMs = Math.max(this.#toldMs, this.#estimate(this.#best));
    return this.#toldMs;
  }

  /** The server's time is not before this. @param at for when, local ms; now by default */
  earliest(at = this.#time.now()): number {
    const best = this.#best;
    return best === undefined ? -Infinity : this.#estimate(best, at) - this.#bound(best, at);
  }

  /** The server's time is not after this. @param at for when, local ms; now by default */
  latest(at = this.#time.now()): number {
    const best = this.#best;
    if (best === undefined) return Infinity;
    return Math.max(this.#toldMs, this.#estimate(best, at) + this.#bound(best, at));
  }

  #isSpaced(sample: Sample): boolean {
    return sample.at - (this.#samples.at(-1)?.at ?? -Infinity) >= MIN_SPACING_MS;
  }

  #estimate({ offsetMs }: Sample, at = this.#time.now()): number {
    return at + offsetMs;
  }

  /** From when the server stamped the clocks may drift apart: at the latest from when the answer came, where `at` is before it. */
  #bound({ at: sentAt, errorMs }: Sample, at = this.#time.now()): number {
    return errorMs + Math.max(at - sentAt, sentAt + 2 * errorMs - at) * DRIFT;
  }

  /** Samples that cannot both be true mean that the server's clock was set: the older ones are void. */
  #agree(a: Sample, b: Sample): boolean {
    return Math.abs(a.offsetMs - b.offsetMs) <= this.#bound(a) + this.#bound(b) + ROUNDING_MS;
  }
}
