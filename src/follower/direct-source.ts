/** The direct source: frames from the owner's own process, beside Redis or instead of it, for the applier. */
import type { Context } from '../actor/participant.ts';
import type { TandemError } from '../base/errors.ts';
import type { FramePath } from '../ports/observer.ts';
import type { Path, PathListener, Reception } from '../ports/path.ts';
import type { Frame } from '../state/frame.ts';
import type { Position } from '../state/position.ts';
import { printPosition } from '../state/position.ts';
import { implausibleError } from './admission.ts';
import type { Applier, Outcome } from './applier.ts';
import type { SyncEvent } from './events.ts';
import type { Parts } from './parts.ts';

const PATH: FramePath = 'direct';

export class DirectSource implements PathListener {
  readonly #context: Context;
  readonly #path: Path;
  readonly #parts: Parts;
  readonly #applier: Applier<any>;
  #isUp = false;

  constructor(context: Context, path: Path, parts: Parts, applier: Applier<any>) {
    this.#context = context;
    this.#path = path;
    this.#parts = parts;
    this.#applier = applier;
  }

  /** Whether the direct path delivers frames. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Opens the direct path. Idempotent. */
  open(): void {
    this.#path.open(this);
  }

  /** Closes the direct path. Idempotent. */
  close(): void {
    this.#path.close();
    this.#isUp = false;
    this.#parts.freshness.direct(false);
  }

  // ---- what the path calls ----

  position(): Position {
    return this.#parts.replica.position;
  }

  receive(frame: Frame, isWhole: boolean, at: number): Reception {
    return this.#context.runtime.slices.stretches.during(() => this.#receive(frame, isWhole, at));
  }

  #receive(frame: Frame, isWhole: boolean, at: number): Reception {
    const arrival = { frame, path: PATH, clock: this.#path.clock, receivedAt: at };
    const outcome = isWhole ? this.#applier.replace(arrival) : this.#applier.apply(arrival);
    if (outcome === 'implausible') throw implausibleError(frame);
    if (isWhole && outcome === 'applied') this.#replaced(frame, at);
    this.#context.waiters.check();
    return RECEPTIONS[outcome];
  }

  ignored(): void {
    this.#parts.meter.rejected('kind');
  }

  up(): void {
    this.#isUp = true;
    this.#parts.meter.directChanged(true, undefined);
    this.#parts.freshness.direct(true);
    this.#context.waiters.check();
    this.#context.connection.send({ type: 'direct.up' });
  }

  down(error: TandemError): void {
    const { reporter, connection } = this.#context;
    const { meter, freshness } = this.#parts;
    // When one try after another fails in the same way, it is reported once.
    if (this.#isUp || reporter.lastError?.message !== error.message) reporter.report(error);
    if (error.code === 'INVALID_FRAME') meter.rejected('frame');
    if (this.#isUp) meter.directChanged(false, error.code);
    this.#isUp = false;
    freshness.direct(false);
    connection.send({ type: 'direct.down' });
  }

  /** A whole state was applied: observers get `synced`, listeners `sync`. */
  #replaced(frame: Frame, askedAt: number): void {
    const changed = frame.changes.length;
    const { position } = this.#parts.replica;
    this.#parts.meter.synced(askedAt, true, changed, position);
    this.#context.reporter.emit({ type: 'sync', head: printPosition(position), changed } satisfies SyncEvent);
  }
}

const RECEPTIONS: Readonly<Record<Exclude<Outcome, 'implausible'>, Reception>> = {
  applied: 'applied',
  known: 'applied',
  fenced: 'fenced',
  gap: 'gap',
  // The whole state mends the copy.
  mismatch: 'gap',
  // Of a frame from Redis alone: of a direct one, the values that can be read are applied, and no fence is
  // published there.
  unreadable: 'gap',
  unclaimed: 'gap',
};
