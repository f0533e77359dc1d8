/** The direct source: frames from the owner's own process, beside Redis or instead of it, for the applier. */
import type { Context } from '../actor/context.ts';
import type { TandemError } from '../base/errors.ts';
import type { FramePath } from '../ports/observer.ts';
import type { Path, PathListener, Reception, WholeState } from '../ports/path.ts';
import type { Frame } from '../state/frame.ts';
import type { Position } from '../state/position.ts';
import { printPosition } from '../state/position.ts';
import { implausibleError } from './admission.ts';
import type { Applier, Outcome, Told } from './applier.ts';
import type { Arrival } from './arrival.ts';
import type { SyncEvent } from './events.ts';
import type { Gathering } from './gathering.ts';
import type { Parts } from './parts.ts';
import type { PathLink } from './path-link.ts';

const PATH: FramePath = 'direct';

export class DirectSource implements PathListener {
  readonly #context: Context;
  readonly #path: Path;
  readonly #parts: Parts;
  readonly #applier: Applier<any>;
  readonly #link: PathLink | undefined;
  #isUp = false;
  #failure: TandemError | undefined;
  #via = '';
  #onWay = (): void => {};

  /** @param link of a process without Redis, for which this path is all */
  constructor(context: Context, path: Path, parts: Parts, applier: Applier<any>, link?: PathLink) {
    this.#link = link;
    this.#context = context;
    this.#path = path;
    this.#parts = parts;
    this.#applier = applier;
  }

  /** Whether the direct path delivers frames. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why the direct path delivers nothing; `undefined` while it does, is closed, or was not tried yet. */
  get failure(): TandemError | undefined {
    return this.#failure;
  }

  /** The ids of the processes that the frames have come through, the one at the other end last. */
  get via(): readonly string[] {
    return this.#path.via;
  }

  /** Calls back when the frames begin to come another way. */
  onWay(changed: () => void): void {
    this.#onWay = changed;
  }

  /** Opens the direct path. Idempotent. */
  open(): void {
    this.#path.open(this);
  }

  /** Closes the direct path. Idempotent. */
  close(): void {
    this.#path.close();
    this.#isUp = false;
    this.#failure = undefined;
    this.#parts.freshness.direct(false);
  }

  // ---- what the path calls ----

  position(): Position {
    return this.#parts.replica.position;
  }

  receive(frame: Frame, at: number): Reception {
    return this.#context.runtime.slices.stretches.during(() => this.#receive(frame, at));
  }

  #receive(frame: Frame, at: number): Reception {
    const outcome = this.#applier.apply(this.#arrival(frame, at));
    this.#context.waiters.check();
    return receptionOf(outcome, frame);
  }

  begin(frame: Frame, at: number, signal: AbortSignal): WholeState | Exclude<Reception, 'applied'> {
    const verdict = this.#applier.judgeWhole(frame);
    if (verdict !== 'next') return receptionOf(verdict, frame) as Exclude<Reception, 'applied'>;
    const { slices } = this.#context.runtime;
    const gathering = this.#applier.gathering(() => frame);
    return {
      take: (changes) => slices.run(gathering.take(changes), signal),
      end: () => this.#replace(gathering, this.#arrival(frame, at), signal),
    };
  }

  ignored(): void {
    this.#parts.meter.rejected('kind');
  }

  up(): void {
    this.#isUp = true;
    this.#failure = undefined;
    this.#parts.meter.directChanged(true, undefined);
    this.#parts.freshness.direct(true);
    this.#context.waiters.check();
    this.#context.connection.send({ type: 'direct.up' });
    this.#link?.set(undefined);
    const via = this.#path.via.join();
    if (via === this.#via) return;
    this.#via = via;
    this.#onWay();
  }

  down(error: TandemError): void {
    const { reporter, connection } = this.#context;
    const { meter, freshness } = this.#parts;
    this.#failure = error;
    // When one try after another fails in the same way, it is reported once.
    if (this.#isUp || reporter.lastError?.message !== error.message) reporter.report(error);
    if (error.code === 'INVALID_FRAME') meter.rejected('frame');
    if (this.#isUp) meter.directChanged(false, error.code);
    this.#isUp = false;
    freshness.direct(false);
    connection.send({ type: 'direct.down' });
    this.#link?.set(error);
  }

  async #replace(gathering: Gathering, arrival: Arrival, signal: AbortSignal): Promise<Reception> {
    const { reporter, waiters } = this.#context;
    const from = this.position();
    const told: Told = (keys, position, at) => {
      const { frame: line, receivedAt } = arrival;
      const came = { isFull: true, path: PATH, from, line, keys, tookMs: at - receivedAt, position, at };
      this.#parts.meter.synced(came);
      const head = printPosition(this.#parts.replica.position);
      reporter.emit({ type: 'sync', head, changed: keys } satisfies SyncEvent);
    };
    const outcome = await this.#applier.replace(gathering, arrival, told, signal);
    waiters.check();
    return receptionOf(outcome, arrival.frame);
  }

  #arrival(frame: Frame, receivedAt: number): Arrival {
    return { frame, path: PATH, clock: this.#path.clock, receivedAt };
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
  parts: 'gap',
  unclaimed: 'gap',
};

/** @throws TandemError `INVALID_FRAME` for a frame that no owner can have sent */
function receptionOf(outcome: Outcome, frame: Frame): Reception {
  if (outcome === 'implausible') throw implausibleError(frame);
  return RECEPTIONS[outcome];
}
