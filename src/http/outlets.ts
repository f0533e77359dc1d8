/**
 * The outlets of a process: its open answers and streams, which get long texts piece by piece.
 *
 * One pump serves them all, as work in slices: each outlet gets a piece in turn, and another one once its
 * socket has taken that. So writing to many clients is never one stretch, and nothing is queued for a client
 * that does not read. An outlet whose socket takes nothing for 30 s is cut: it gives up its place.
 */
import type { Sliced, Slices } from '../base/slices.ts';
import type { Text } from '../base/text.ts';
import type { Cancel, Time } from '../base/time.ts';
import type { Tandem } from '../tandem.ts';

/** An outlet whose socket takes nothing for longer than this is cut, ms. */
const STALL_MS = 30_000;
/** The same while others are refused for lack of room, ms. */
const CROWDED_STALL_MS = 2_000;
/** The time between two looks for outlets that take nothing, ms. */
const LOOK_MS = 1_000;

export interface Outlet {
  /** The text that it gets now. */
  readonly text: Text | undefined;
  /** What waits in its socket beside that, bytes. */
  readonly waitingBytes: number;
  /** Since when its socket takes no more, on `Time`, ms; `undefined` while it does. */
  readonly fullSince: number | undefined;
  /** Writes the next piece. Returns whether it can write another one at once. */
  write(): boolean;
  /** Cuts the connection. */
  cut(): void;
}

export class Outlets {
  readonly #slices: Slices;
  readonly #time: Time;
  readonly #open = new Set<Outlet>();
  readonly #ready = new Set<Outlet>();
  readonly #texts = new Set<Text>();
  #isPumping = false;
  #cancelLook: Cancel | undefined;

  constructor({ slices, time }: { readonly slices: Slices; readonly time: Time }) {
    this.#slices = slices;
    this.#time = time;
  }

  /** The number of outlets. */
  get size(): number {
    return this.#open.size;
  }

  /** What is held for all clients of the process, bytes: texts, and what waits in sockets. */
  get heldBytes(): number {
    const texts = new Set(this.#texts);
    let bytes = 0;
    for (const { text, waitingBytes } of this.#open) {
      bytes += waitingBytes;
      if (text !== undefined) texts.add(text);
    }
    for (const { heldBytes } of texts) bytes += heldBytes;
    return bytes;
  }

  /** Counts a text while somebody reads it, also where no outlet has it yet. */
  count(text: Text): void {
    this.#texts.add(text);
    text.whenIdle(() => this.#texts.delete(text));
  }

  add(outlet: Outlet): void {
    this.#open.add(outlet);
    this.#cancelLook ??= this.#time.after(LOOK_MS, () => this.#look());
  }

  remove(outlet: Outlet): void {
    this.#open.delete(outlet);
    this.#ready.delete(outlet);
    if (this.#open.size > 0) return;
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  /** The outlet may be able to write. It does so later, never within this call. */
  ready(outlet: Outlet): void {
    if (!this.#open.has(outlet)) return;
    this.#ready.add(outlet);
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#time.endOfTurn(() => void this.#slices.run(this.#pump()));
  }

  /** Cuts the outlets that hold a text and take nothing, since others are refused for lack of room. */
  relieve(): void {
    this.#cutStalled(CROWDED_STALL_MS, ({ text }) => text !== undefined);
  }

  *#pump(): Sliced<void> {
    // An outlet that is added again meanwhile comes last.
    for (const outlet of this.#ready) {
      this.#ready.delete(outlet);
      try {
        if (outlet.write()) this.#ready.add(outlet);
      } catch {
        // What one client's socket does must not keep the others waiting.
        outlet.cut();
      }
      yield;
    }
    this.#isPumping = false;
  }

  #look(): void {
    this.#cancelLook = undefined;
    this.#cutStalled(STALL_MS, () => true);
    if (this.#open.size > 0) this.#cancelLook ??= this.#time.after(LOOK_MS, () => this.#look());
  }

  #cutStalled(ms: number, concerns: (outlet: Outlet) => boolean): void {
    const until = this.#time.now() - ms;
    for (const outlet of this.#open)
      if (concerns(outlet) && (outlet.fullSince ?? Infinity) < until) outlet.cut();
  }
}

const ofTandem = new WeakMap<Tandem, Outlets>();

/** The outlets of a process, which all of its routers share. */
export function outletsOf(tandem: Tandem): Outlets {
  const known = ofTandem.get(tandem);
  if (known !== undefined) return known;
  const outlets = new Outlets(tandem);
  ofTandem.set(tandem, outlets);
  tandem.loadMeter.holds(() => outlets.heldBytes);
  return outlets;
}
