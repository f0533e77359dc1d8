/**
 * The meter: makes events of what the follower does, for observers. Nothing waits for it, and nothing
 * passes through it.
 */
import type { TandemError } from '../base/errors.ts';
import type { Applied, FramePath, Rejected } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Frame } from '../state/frame.ts';
import { bytesOf } from '../state/change.ts';
import type { Position } from '../state/position.ts';
import { printPosition, ZERO } from '../state/position.ts';
import type { Arrival } from './arrival.ts';
import { latencyOf } from './latency.ts';

/** The copy was brought up to date, by the keys or by a whole state of the direct path. */
interface Synced {
  readonly isFull: boolean;
  readonly keys: number;
  /** From the request until it was visible, ms. */
  readonly tookMs: number;
  readonly position: Position;
}

export class Meter {
  readonly #space: string;
  readonly #runtime: Runtime;
  /** The last catch-up: it brought the changes after this revision, up to this position, at this time. */
  #caughtUpFrom = 0;
  #caughtUpTo = ZERO;
  #caughtUpAt = 0;
  #wasDirectUp = false;

  constructor(space: string, runtime: Runtime) {
    this.#space = space;
    this.#runtime = runtime;
  }

  /** A frame is visible. Returns its event; `undefined` where neither an observer nor a trace needs it. */
  applied(arrival: Arrival, keys: number, appliedAt = this.#runtime.time.now()): Applied | undefined {
    const { observers, time } = this.#runtime;
    const { frame, path, clock, receivedAt } = arrival;
    if (observers.isEmpty && frame.trace === undefined) return undefined;
    const { prev, revision, trace } = frame;
    const applied = {
      space: this.#space,
      path,
      position: printPosition(frame),
      prev,
      revision,
      keys,
      bytes: bytesOf(frame.changes),
      receivedAt,
      appliedAt,
      ...latencyOf(frame, clock, time.now() - appliedAt),
      trace,
    };
    observers.tell('applied', applied);
    return applied;
  }

  /** The keys have brought the changes after a revision, up to this position. */
  caughtUp(from: number, to: Position, at: number): void {
    this.#caughtUpFrom = from;
    this.#caughtUpTo = to;
    this.#caughtUpAt = at;
  }

  synced({ isFull, keys, tookMs, position }: Synced): void {
    const { observers } = this.#runtime;
    observers.tell('synced', { space: this.#space, isFull, keys, tookMs, position: printPosition(position) });
  }

  /**
   * Whether the last catch-up brought the changes of this frame before the frame came. They are visible since
   * then, and no watcher is called again. But only the frame shows when they were set.
   */
  isLate({ epoch, revision, changes }: Frame): boolean {
    const { epoch: inEpoch, revision: upTo } = this.#caughtUpTo;
    return changes.length > 0 && epoch === inEpoch && revision > this.#caughtUpFrom && revision <= upTo;
  }

  /** Observes such a frame, as of the time of the catch-up. */
  late(arrival: Arrival): void {
    const { frame } = arrival;
    this.#caughtUpFrom = frame.revision;
    const applied = this.applied(arrival, frame.changes.length, this.#caughtUpAt);
    if (applied?.trace) this.#runtime.tracer.apply(applied, () => {});
  }

  rejected(reason: Rejected['reason']): void {
    this.#runtime.observers.tell('rejected', { space: this.#space, reason });
  }

  mismatched(path: FramePath, position: Position): void {
    this.#runtime.observers.tell('mismatch', { space: this.#space, path, position: printPosition(position) });
  }

  directChanged(isUp: boolean, code: TandemError['code'] | undefined): void {
    this.#runtime.observers.tell('link', { link: 'direct', isUp, isAgain: this.#wasDirectUp, code });
    this.#wasDirectUp = true;
  }
}
