/** What an owner's feed serves: its ledger, as long as its claim is not in doubt. */
import type { ServerClock } from '../base/clock.ts';
import type { Time } from '../base/time.ts';
import type { FeedSource, HeaderOf } from '../ports/feed-source.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Captured } from '../state/captured.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import type { Snapshot } from '../state/snapshot.ts';
import type { FrameTrace } from '../state/trace.ts';
import type { Books } from './books.ts';
import type { Lease } from './lease.ts';

export class LedgerSource implements FeedSource<Captured> {
  readonly #ledger: Ledger;
  readonly #lease: Lease;
  readonly #time: Time;
  readonly #clock: ServerClock;
  readonly #heartbeatMs: number;

  /** @param heartbeatMs the time between two beats of the feed, ms */
  constructor(
    { ledger, lease }: Pick<Books, 'ledger' | 'lease'>,
    { time, clock }: Pick<Runtime, 'time' | 'clock'>,
    heartbeatMs: number,
  ) {
    this.#ledger = ledger;
    this.#lease = lease;
    this.#time = time;
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
  }

  get head(): Position {
    return this.#ledger.head;
  }

  get isInDoubt(): boolean {
    this.#lease.runs(this.#time.now(), this.#time.wokeAt);
    return this.#lease.isInDoubt;
  }

  canContinue(from: Position): boolean {
    return this.#ledger.canContinue(from);
  }

  changesSince(revision: number, most: number): readonly Change[] | undefined {
    return this.#ledger.changesSince(revision, most);
  }

  snapshot(revision?: number): Snapshot<Captured> {
    return this.#ledger.snapshot(revision);
  }

  jsonOf(value: Captured | undefined): string {
    return value?.json ?? '';
  }

  header({ prev, isMeasured, now }: HeaderOf): Header {
    const { epoch, base } = this.#ledger.line;
    const { revision } = this.#ledger.head;
    const setAt = isMeasured ? this.#ledger.setAtSince(prev) : NaN;
    const isSetKnown = !Number.isNaN(setAt);
    if (prev < revision) this.#ledger.settleTimes(this.#clock);
    return {
      epoch,
      base,
      prev,
      revision,
      // Rounded down: it may be earlier than the true time, never later.
      cutAt: Math.floor(now * 1_000) / 1_000,
      leaseMs: this.#lease.ms,
      bye: false,
      digest: this.#ledger.digestAt(revision),
      heartbeatMs: isMeasured ? undefined : this.#heartbeatMs,
      setAt: isSetKnown ? setAt : undefined,
      // The times are rounded to whole µs.
      setErrorMs: isSetKnown ? 0.001 : undefined,
      times: prev < revision ? this.#ledger.times.print(prev, revision) : undefined,
      trace: isMeasured ? this.#trace(prev) : undefined,
    };
  }

  /**
   * The spans that set the changes of a frame: the oldest, with links to the others. No commit is between.
   */
  #trace(prev: number): FrameTrace | undefined {
    const [first, ...others] = this.#ledger.originsSince(prev);
    if (first === undefined || others.length === 0) return first;
    return { ...first, links: others.map(({ traceparent }) => traceparent) };
  }
}
