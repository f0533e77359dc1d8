/**
 * The head check: asks Redis for its head where frames may be missing without a sign.
 *
 * It asks once, soon after a catch-up, unless a frame has come since. An announcement may have been published
 * before this follower subscribed, and committed after it had read the keys: nothing brings that change here.
 * The next frame or heartbeat would show that it is missing; this check is sooner. And it asks whenever
 * nothing has come for the staleness bound.
 */
import type { Context } from '../actor/context.ts';
import { asTandemError } from '../base/errors.ts';
import type { Cancel } from '../base/time.ts';
import type { Head } from '../ports/store.ts';
import { compare, printPosition } from '../state/position.ts';
import type { KeysReader } from './keys-reader.ts';
import type { Parts } from './parts.ts';
import type { Synchronizer } from './synchronizer.ts';
import type { Watchdog } from './watchdog.ts';

/**
 * The time from a catch-up to the check, ms. By then an announcement from before the catch-up is in the
 * keys.
 */
const FIRST_CHECK_MS = 20;
/**
 * A commit's `cutAt` may trail its announcement by up to this, ms: no news. Less than heartbeats are apart.
 */
const COMMIT_LAG_MS = 100;
/** A frame may come later than an answer that was made after it, by this, ms: they use two connections. */
const GRACE_MS = 100;

/** The parts that a head check works with. */
type HeadCheckParts = Parts & { readonly watchdog: Watchdog; readonly keys: KeysReader };

export class HeadCheck {
  readonly #context: Context;
  readonly #parts: HeadCheckParts;
  readonly #synchronizer: Synchronizer;
  readonly #isDirectUp: () => boolean;
  #cancel: Cancel | undefined;

  /** @param isDirectUp returns whether the direct path delivers frames */
  constructor(
    context: Context,
    parts: HeadCheckParts,
    synchronizer: Synchronizer,
    isDirectUp: () => boolean,
  ) {
    this.#context = context;
    this.#parts = parts;
    this.#synchronizer = synchronizer;
    this.#isDirectUp = isDirectUp;
  }

  /** Checks once, shortly after a catch-up. */
  start(): void {
    const { time } = this.#context.runtime;
    this.#cancel = time.after(FIRST_CHECK_MS, () => void this.#checkOnce().catch(() => {}));
  }

  /** Cancels the check. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Nothing came for the staleness bound. Never rejects: a Redis that does not answer counts as down. */
  async onSilence(): Promise<void> {
    try {
      await this.#checkSilence();
    } catch (error) {
      const { message } = asTandemError(error, 'REDIS_UNAVAILABLE', 'the head could not be asked for');
      this.#context.connection.send({ type: 'link.down', reason: message });
    }
  }

  /** Asks who owns the space; `undefined` where Redis cannot be asked. The answer shows its lease, too. */
  askOwner(): Promise<void> | undefined {
    if (!this.#isConnected) return undefined;
    return this.#askLease();
  }

  async #askLease(): Promise<void> {
    const head = await this.#parts.keys.askHead();
    if (head.leaseMs > 0 || !this.#isDirectUp()) this.#parts.keys.noteLease(head);
  }

  async #checkOnce(): Promise<void> {
    const { replica, watchdog } = this.#parts;
    if (watchdog.heardAt > this.#synchronizer.caughtUpAt) return;
    const head = await this.#parts.keys.askHead();
    const { epoch, revision } = replica.position;
    const isMissing = head.epoch === epoch && head.revision > revision;
    if (isMissing && this.#isConnected && this.#synchronizer.isLive) this.#synchronizer.resync();
  }

  async #checkSilence(): Promise<void> {
    const { time } = this.#context.runtime;
    const { watchdog } = this.#parts;
    // Messages come, and none of them can be read.
    if (this.#synchronizer.unknownVersion) throw this.#synchronizer.unknownVersion;
    const askedAt = time.now();
    const head = await this.#parts.keys.askHead();
    const hasNews = this.#hasNews(head);
    // A published frame may still be on its way: the answer came by the other connection.
    if (hasNews) await new Promise<void>((resolve) => void time.after(GRACE_MS, resolve));
    if (!this.#isConnected || watchdog.heardAt > askedAt) return;
    if (hasNews) this.#context.connection.gap(`nothing came, while Redis is at ${printPosition(head)}`);
    // The owner itself is silent. Its lease shows whether it may still be alive.
    else if (!this.#isDirectUp()) this.#parts.keys.noteLease(head);
  }

  /** Whether Redis has something that did not come here, or has lost something. */
  #hasNews(head: Head): boolean {
    const { admission, replica } = this.#parts;
    const { epoch, revision } = replica.position;
    // An announcement, or the direct path, may have brought this copy further than Redis: that is no news.
    const isElsewhere =
      head.epoch !== epoch || head.revision > revision || compare(head, admission.stored) < 0;
    return (!this.#isDirectUp() && isElsewhere) || head.cutAt > this.#synchronizer.lastCutAt + COMMIT_LAG_MS;
  }

  get #isConnected(): boolean {
    return this.#context.connection.mode === 'connected';
  }
}
