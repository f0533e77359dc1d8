/**
 * The meter: makes events of what the follower does, for observers. Nothing waits for it, and nothing
 * passes through it.
 */
import type { TandemError } from '../base/errors.ts';
import type { Applied, FramePath, Rejected } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Frame } from '../state/frame.ts';
import { bytesOf } from '../state/change.ts';
import type { Line, Position } from '../state/position.ts';
import { continues, printPosition, ZERO } from '../state/position.ts';
import type { Replica } from '../state/replica.ts';
import type { Unseen } from '../state/unseen.ts';
import { unseenSince } from '../state/unseen.ts';
import type { Arrival } from './arrival.ts';
import { latencyOf } from './latency.ts';

/** The copy was brought up to date, by the keys or by a whole state of the direct path. */
interface Synced {
  readonly isFull: boolean;
  readonly keys: number;
  /** From the request until it was visible, ms. */
  readonly tookMs: number;
  readonly position: Position;
  readonly path: FramePath;
  /** The position of the copy before. */
  readonly from: Position;
  /** The line that it is on now. */
  readonly line: Line;
  /** The time at which it was visible, on `Time`, ms. */
  readonly at: number;
}

/** A frame is visible. */
interface Shown {
  /** The number of keys that changed here. */
  readonly keys: number;
  /** The revision of the copy before. */
  readonly from: number;
  /** On `Time`, ms. Default: now. */
  readonly appliedAt?: number;
}

export class Meter {
  readonly #space: string;
  readonly #runtime: Runtime;
  readonly #replica: Pick<Replica, 'times'>;
  /** The last catch-up: it brought the changes after this revision, up to this position, at this time. */
  #caughtUpFrom = 0;
  #caughtUpTo = ZERO;
  #caughtUpAt = 0;
  #wasDirectUp = false;

  constructor(space: string, runtime: Runtime, replica: Pick<Replica, 'times'>) {
    this.#space = space;
    this.#runtime = runtime;
    this.#replica = replica;
  }

  /** A frame is visible. Returns its event; `undefined` where neither an observer nor a trace needs it. */
  applied(arrival: Arrival, { keys, from, appliedAt }: Shown): Applied | undefined {
    const { observers, time } = this.#runtime;
    const { frame, path, clock, receivedAt } = arrival;
    if (observers.isEmpty && frame.trace === undefined) return undefined;
    const now = time.now();
    const shownAt = appliedAt ?? now;
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
      appliedAt: shownAt,
      ...latencyOf(frame, clock, now - shownAt, this.#unseenIn(frame, from)),
      trace,
    };
    observers.tell('applied', applied);
    return applied;
  }

  /** A frame that has each change since the copy's revision says itself when the oldest was set. */
  #unseenIn({ prev, revision, changes }: Frame, from: number): Unseen | undefined {
    if (prev === from && changes.length === revision - prev) return undefined;
    return unseenSince(this.#replica.times, from, this.#runtime.clock);
  }

  /** The keys have brought the changes after a revision, up to this position. */
  caughtUp(from: number, to: Position, at: number): void {
    this.#caughtUpFrom = from;
    this.#caughtUpTo = to;
    this.#caughtUpAt = at;
  }

  synced({ isFull, keys, tookMs, position, path, from, line, at }: Synced): void {
    const { observers, clock, time } = this.#runtime;
    if (observers.isEmpty) return;
    // A copy that has just begun, or is of another line, has not waited for what it has now.
    const isOn = from.epoch > 0 && continues(from, line);
    const unseen = isOn ? unseenSince(this.#replica.times, from.revision, clock) : undefined;
    observers.tell('synced', {
      space: this.#space,
      isFull,
      keys,
      tookMs,
      position: printPosition(position),
      path,
      updateLatencyMs: unseen && Math.max(0, unseen.ageMs - (time.now() - at)),
      errorMs: unseen?.errorMs ?? clock.errorMs,
    });
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
    const shown = { keys: frame.changes.length, from: frame.prev, appliedAt: this.#caughtUpAt };
    const applied = this.applied(arrival, shown);
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
