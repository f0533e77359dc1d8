/**
 * A discovery: follows each space whose name begins in a certain way, those that exist and those that appear.
 *
 * One pattern subscription brings the messages of all of them, so a space that appears is known by its first
 * message, which is that of its claim. The names of those that exist are read at the start, and each time a
 * connection to Redis has come back. A space that was removed is followed no longer, until it appears again.
 */
import type { Obstacle } from '../base/errors.ts';
import { asTandemError, show, TandemError } from '../base/errors.ts';
import { between, requireFunction } from '../base/options.ts';
import { inRoot } from '../base/root.ts';
import type { Sliced } from '../base/slices.ts';
import type { Slices } from '../base/slices.ts';
import type { Cancel, Time } from '../base/time.ts';
import { backoffMs } from '../base/time.ts';
import { Waiters } from '../base/waiters.ts';
import type { Finder } from '../ports/finder.ts';
import type { Observers } from '../ports/observer.ts';
import type { Channels, Link } from '../ports/store.ts';
import type { Definition } from '../state/definition.ts';
import { decodeMessage } from '../state/message.ts';
import type { Space } from '../state/space.ts';
import { defineSpace } from '../state/space.ts';
import { startOfNames } from '../state/space-name.ts';
import type { Follower, FollowOptions } from './follower.ts';
import { SharedChannel } from './shared-channel.ts';

/** Options of `discover`: those of each follower, and when to end. */
export interface DiscoverOptions extends FollowOptions {
  /** Ends the discovery, as `stop` does. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

export interface DiscoveryParts<D extends Definition> {
  readonly finder: Finder;
  readonly links: { readonly commands: Link; readonly subscriber: Link };
  readonly time: Time;
  readonly slices: Slices;
  readonly observers: Observers;
  /** Follows a space whose messages come by `channels`. */
  readonly follow: (space: Space<D>, channels: Channels) => Follower<D>;
  /** Told once the discovery has stopped. */
  readonly stopped: (discovery: Discovery<D>) => void;
}

/** A discovery, as `discover` returns it: it follows each space whose name matches its pattern. */
export class Discovery<D extends Definition = Definition> implements AsyncDisposable {
  /** As it was given to `discover`. */
  readonly pattern: string;
  readonly #definition: D;
  readonly #callback: (participant: Follower<D>) => unknown;
  readonly #parts: DiscoveryParts<D>;
  readonly #start: string;
  readonly #channel: SharedChannel;
  readonly #waiters: Waiters;
  readonly #unwatch: readonly (() => void)[];
  readonly #followers = new Map<string, Follower<D>>();
  /** Those whose follower the application has stopped: it is given no other one of them. */
  readonly #declined = new Set<string>();
  /** Names of spaces that are still to be followed. */
  readonly #found = new Set<string>();
  #following: Promise<void> | undefined;
  /** Names that a message has brought. */
  readonly #rumours = new Set<string>();
  #isChecking = false;
  #looking: AbortController | undefined;
  #retry: Cancel | undefined;
  #failures = 0;
  #isListed = false;
  #isStopped = false;
  #listError: TandemError | undefined;
  #rumourError: TandemError | undefined;

  constructor(
    pattern: string,
    definition: D,
    callback: (participant: Follower<D>) => unknown,
    parts: DiscoveryParts<D>,
  ) {
    this.pattern = pattern;
    this.#start = requireStart(pattern);
    requireFunction('discover', callback);
    this.#definition = definition;
    this.#callback = callback;
    this.#parts = parts;
    // The definition is refused here, and not with the first space that appears.
    defineSpace(`${this.#start}0`.slice(0, 64), definition);
    const { finder, links, time } = parts;
    this.#channel = new SharedChannel(finder, this.#start, links.subscriber, (space, message) =>
      this.#heard(space, message),
    );
    this.#waiters = new Waiters(time, () => this.#obstacle());
    this.#unwatch = [links.commands, links.subscriber].map((link) => link.watch(() => this.#look()));
    time.endOfTurn(() => this.#look());
  }

  /** The followers of the spaces that are there now, by the names of their spaces. */
  get participants(): ReadonlyMap<string, Follower<D>> {
    return this.#followers;
  }

  /** Whether the names of all spaces that existed at the start were read, and each of them is followed. */
  get isComplete(): boolean {
    return this.#isListed;
  }

  /** Why names, or what was heard of one, could not be read; `undefined` where they were. */
  get error(): TandemError | undefined {
    return this.#listError ?? this.#rumourError;
  }

  /**
   * Resolves once each space that existed is followed, and each of these followers is ready: see `ready` of a
   * follower.
   * @param options.timeoutMs ms; default 10,000
   * @throws TandemError `INVALID_OPTION`, `TIMEOUT` or `STOPPED`
   */
  async ready({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<void> {
    between('timeoutMs', timeoutMs, 0, Number.MAX_SAFE_INTEGER);
    const { time } = this.#parts;
    const startedAt = time.now();
    const isFound = (): boolean => this.#isListed && !this.#isStopped;
    await this.#waiters.wait(isFound, `the spaces "${this.pattern}" were not found`, timeoutMs);
    const isGone = (error: TandemError): boolean => error.code === 'REMOVED' || error.code === 'STOPPED';
    const leftMs = Math.max(0, timeoutMs - (time.now() - startedAt));
    const ready = async (follower: Follower<D>): Promise<void> => {
      await follower.ready({ timeoutMs: leftMs }).catch((error: TandemError) => {
        if (!isGone(error)) throw error;
      });
    };
    await Promise.all([...this.#followers.values()].map(ready));
  }

  /** Ends the discovery, and the followers that it has started. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const unwatch of this.#unwatch) unwatch();
    this.#looking?.abort();
    this.#retry?.();
    const stopping = [...this.#followers.values()].map((follower) => follower.stop());
    this.#channel.close();
    this.#waiters.refuse(new TandemError('STOPPED', `the discovery of "${this.pattern}" is stopped`));
    this.#parts.stopped(this);
    await Promise.all(stopping);
  }

  /** Stops, as `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Begins to read the names, where both links are up. A reading over a link that went down is void. */
  #look(): void {
    const { commands, subscriber } = this.#parts.links;
    const isUp = commands.up && subscriber.up;
    if (!isUp) {
      this.#looking?.abort();
      this.#looking = undefined;
    } else if (this.#looking === undefined && !this.#isStopped) {
      this.#retry?.();
      const looking = new AbortController();
      this.#looking = looking;
      this.#find(looking.signal).catch((error: unknown) => this.#failed(error, looking));
    }
  }

  /** The subscription comes first: a space that appears while the names are read is heard of. */
  async #find(signal: AbortSignal): Promise<void> {
    const { finder } = this.#parts;
    await this.#channel.open();
    signal.throwIfAborted();
    const { names, missing } = await finder.names(this.#start, signal);
    for (const name of names) this.#found.add(name);
    // One that was removed, unheard, and appears again is another one.
    const isThere = new Set(names);
    if (missing === undefined)
      for (const name of this.#declined) if (!isThere.has(name)) this.#declined.delete(name);
    await this.#followFound();
    signal.throwIfAborted();
    if (missing !== undefined) throw missing;
    this.#failures = 0;
    this.#listError = undefined;
    this.#isListed = true;
    this.#waiters.check();
  }

  #failed(error: unknown, looking: AbortController): void {
    const { time } = this.#parts;
    if (looking.signal.aborted || this.#isStopped) return;
    this.#listError = this.#told(error);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#retry = time.after(backoffMs(time, this.#failures), () => {
      if (this.#looking === looking) this.#looking = undefined;
      this.#look();
    });
  }

  /** Never rejects. Anybody can publish: the keys say which of the spaces that were heard of are there. */
  async #checkRumours(): Promise<void> {
    this.#isChecking = true;
    try {
      while (this.#rumours.size > 0 && !this.#isStopped) await this.#checkThese([...this.#rumours]);
    } catch (error) {
      this.#rumourError = this.#told(error);
    } finally {
      this.#isChecking = false;
    }
  }

  async #checkThese(heard: readonly string[]): Promise<void> {
    this.#rumours.clear();
    const present = new Set(await this.#parts.finder.present(heard));
    for (const name of heard) {
      if (present.has(name)) this.#found.add(name);
      else this.#declined.delete(name);
    }
    await this.#followFound();
    this.#rumourError = undefined;
  }

  /** Tells of an error. */
  #told(cause: unknown): TandemError {
    const what = `the spaces "${this.pattern}" could not be found`;
    const error = asTandemError(cause, 'REDIS_UNAVAILABLE', what);
    this.#parts.observers.tell('error', { space: this.pattern, role: 'follower', code: error.code });
    return error;
  }

  /** Follows what was found, in slices: a fleet gives its signs of life all at once. */
  #followFound(): Promise<void> {
    if (this.#found.size === 0) return this.#following ?? Promise.resolve();
    this.#following ??= this.#followAll();
    return this.#following;
  }

  async #followAll(): Promise<void> {
    try {
      while (this.#found.size > 0) await this.#parts.slices.run(this.#followEach());
    } finally {
      this.#following = undefined;
    }
  }

  *#followEach(): Sliced<void> {
    for (const name of this.#found) {
      this.#found.delete(name);
      this.#follow(name);
      yield;
    }
  }

  /** A message of a space that nobody follows here. */
  #heard(space: string, message: string): void {
    if (this.#isStopped) return;
    const { bringsFrames = true } = this.#parts.finder;
    // Its own subscription brings it, too.
    if (!bringsFrames && this.#followers.has(space)) return;
    try {
      const { is } = decodeMessage(message);
      const isNews = is === 'removed' ? this.#declined.has(space) : !this.#declined.has(space);
      if (is === 'unknown' || !isNews) return;
    } catch {
      // What cannot be read shows no space.
      return;
    }
    this.#suspect(space);
  }

  /** The space may be there, and nobody follows it. */
  #suspect(space: string): void {
    if (this.#isStopped) return;
    this.#rumours.add(space);
    if (!this.#isChecking) void this.#checkRumours();
  }

  #follow(name: string): void {
    if (this.#isStopped || this.#followers.has(name) || this.#declined.has(name)) return;
    const follower = this.#parts.follow(defineSpace(name, this.#definition), this.#channel);
    this.#followers.set(name, follower);
    follower.on('mode', ({ mode }) => {
      if (mode !== 'stopped') return;
      this.#followers.delete(name);
      if (!follower.isRemoved) this.#declined.add(name);
      else if (this.#parts.finder.bringsFrames === false) this.#suspect(name);
    });
    const told = follower.guard(`discover('${this.pattern}')`, this.#callback);
    inRoot(() => told(follower));
  }

  #obstacle(): Obstacle {
    const { commands, subscriber } = this.#parts.links;
    const cause = this.error ?? commands.error ?? subscriber.error;
    return { text: cause?.message ?? 'their names are still being read', cause };
  }
}

/** @throws TandemError `INVALID_OPTION` */
function requireStart(pattern: unknown): string {
  const start = startOfNames(pattern);
  if (start !== undefined) return start;
  const expected = 'expected the beginning of names with a "*" behind it, as in "bot:*"';
  throw new TandemError('INVALID_OPTION', `discover: ${expected}, got ${show(pattern)}`);
}
