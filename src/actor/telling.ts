/**
 * The telling: calls the watchers of the head and of the keys that changed. The whole change is visible by
 * then.
 *
 * What a frame changes is told at once. Many keys are told in slices, by a walk over the copy itself in the
 * order of changes, while frames go on changing the copy. A key that changes before the walk has come to it
 * is told once, as it is then; one that changes after that is told again. So nothing is queued, and no
 * watcher goes back. Until the walk has come to the end, nobody else calls the watchers of keys.
 */
import { inRoot } from '../base/root.ts';
import type { Sliced } from '../base/slices.ts';
import { finish } from '../base/slices.ts';
import type { Applied } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Entry } from '../state/entry.ts';
import { hasChanged, isChanged } from '../state/replica.ts';
import type { RevisionMap } from '../state/revision-map.ts';
import type { Walk } from '../state/walk.ts';
import type { Context } from './context.ts';
import { Watchers } from './watchers.ts';

/**
 * Where frames come faster than watchers take them, the walk never ends. After so many rounds over what
 * changed meanwhile, the rest is told in one stretch, as frames are.
 */
const MAX_ROUNDS = 8;

/**
 * A frame of up to so many times the steps that are few is told in one stretch: a call takes a tenth of the time
 * of other steps. So watchers see each value that an ordinary commit brings, also where commits come fast.
 */
const FRAME_SHARE = 10;

/** The state whose changes are told. */
export interface Told {
  readonly size: number;
  readonly position: { readonly revision: number };
  get(key: string): Entry<unknown> | undefined;
  walk(revision: number): Walk<unknown>;
}

/** A state that was replaced. */
export type Old = Pick<RevisionMap<unknown>, 'size' | 'get'> & {
  entries(): Iterable<Pick<Entry<unknown>, 'key'>>;
};

/** The keys that changed, in the order of their changes. */
export type Changed = Iterable<{ readonly key: string }> & { readonly length: number };

/** What is to be told. */
export interface News {
  /** The state that was replaced; `undefined` where the changes came on top of it. */
  readonly old?: Old | undefined;
  /** What changed after this revision is news. */
  readonly from: number;
  /**
   * Called once the watchers are called for everything up to then.
   * @param keys the number of keys that the news has changed
   */
  readonly told?: ((keys: number) => void) | undefined;
}

type TellingContext = Pick<Context, 'heads'> & { readonly runtime: Pick<Runtime, 'slices' | 'tracer'> };

export class Telling<R> {
  readonly watchers = new Watchers<R>();
  readonly #state: Told;
  readonly #context: TellingContext;
  readonly #read: (key: string) => R;
  readonly #isChanged: typeof isChanged;
  readonly #stopped = new AbortController();
  #isRunning = false;
  #end: Promise<void> = Promise.resolve();

  /**
   * @param read returns the reading of a key
   * @param isNews whether a key differs from its entry in a state that was replaced
   */
  constructor(state: Told, context: TellingContext, read: (key: string) => R, isNews = isChanged) {
    this.#state = state;
    this.#context = context;
    this.#read = read;
    this.#isChanged = isNews;
  }

  /** Whether watchers are being called in slices. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Resolves once the present telling has ended. */
  get end(): Promise<void> {
    return this.#end;
  }

  /**
   * Tells what has changed.
   * @param from the revision of the copy before
   * @param applied the frame's event; `undefined` where nobody observes it
   */
  show(changed: Changed, from: number, applied?: Applied): void {
    const { heads, runtime } = this.#context;
    // planted: telling-alone
    const isQuiet = this.#isRunning || this.watchers.isEmpty;
    const notify = (): void => {
      heads.notify();
      if (isQuiet) return;
      if (changed.length > FRAME_SHARE * runtime.slices.fewSteps) this.#begin({ from });
      else for (const { key } of changed) this.tell(key);
    };
    if (applied?.trace !== undefined) inRoot(() => runtime.tracer.apply(applied, notify));
    else if (!heads.isEmpty || !isQuiet) inRoot(notify);
  }

  /** Tells in slices what was put in place of the copy. No telling may be running. */
  replaced(news: News): void {
    const { heads, runtime } = this.#context;
    if (!heads.isEmpty) inRoot(heads.notify);
    const keys = this.#state.size + (news.old?.size ?? 0);
    // Without watchers, the keys have to be looked at only to be counted.
    if (this.watchers.isEmpty && (news.old?.size ?? 0) === 0) news.told?.(this.#state.size);
    else this.#begin(news, keys <= runtime.slices.fewSteps);
  }

  #begin({ old, from, told }: News, isSmall = false): void {
    if (this.#stopped.signal.aborted) return;
    this.#isRunning = true;
    const upTo = this.#state.position.revision;
    const work = this.#work(this.#state.walk(from), { upTo, old, told });
    const { slices } = this.#context.runtime;
    if (isSmall) finish(work);
    else this.#end = slices.run(work, this.#stopped.signal).catch(() => {});
  }

  /** Ends the present telling, and every later one. */
  stop(): void {
    this.#stopped.abort();
  }

  *#work(
    walk: Walk<unknown>,
    { upTo, old, told }: Pick<News, 'old' | 'told'> & { readonly upTo: number },
  ): Sliced<void> {
    let keys = 0;
    try {
      for (let entry = walk.next(upTo); entry !== undefined; entry = walk.next(upTo)) {
        const { key, revision, value } = entry;
        if (old === undefined || this.#isChanged(old.get(key), revision, value)) {
          keys += 1;
          this.#callInRoot(key);
        }
        yield;
      }
      // What is neither in the copy nor deleted from it was never read.
      for (const { key } of old?.entries() ?? []) {
        if (!hasChanged(this.#state.get(key))) {
          keys += 1;
          this.#callInRoot(key);
        }
        yield;
      }
      yield* this.#tellRest(walk, upTo);
    } finally {
      walk.close();
      this.#isRunning = false;
    }
    told?.(keys);
  }

  /** Tells what changed since the telling began, until nothing is left. */
  *#tellRest(walk: Walk<unknown>, from: number): Sliced<void> {
    for (let [upTo, round] = [from, 0]; this.#state.position.revision > upTo; round += 1) {
      upTo = this.#state.position.revision;
      for (let entry = walk.next(upTo); entry !== undefined; entry = walk.next(upTo)) {
        this.#callInRoot(entry.key);
        if (round < MAX_ROUNDS) yield;
      }
      // A watcher of an owner may set what it is told of, again and again.
      if (round >= MAX_ROUNDS && this.#state.position.revision > upTo) yield;
    }
  }

  /** Calls the watchers of a key, in the present async context, which must be no request's. */
  tell(key: string): void {
    this.watchers.tell(key, () => this.#read(key));
  }

  #callInRoot(key: string): void {
    if (!this.watchers.isEmpty) inRoot(() => this.tell(key));
  }
}
