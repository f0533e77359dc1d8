/**
 * The telling: calls the watchers of the head and of the keys that changed. The whole change is visible by
 * then.
 *
 * What a frame changes is told at once. Many keys are told in slices, by a walk over the copy itself in the
 * order of changes, while frames go on changing the copy. A key that changes before the walk has come to it
 * is told once, as it is then; one that changes after that is told again. So nothing is queued, and no
 * watcher goes back. Until the walk has come to the end, nobody else calls the watchers of keys.
 */
import type { Context } from '../actor/participant.ts';
import { inRoot } from '../base/root.ts';
import type { Sliced } from '../base/slices.ts';
import { finish } from '../base/slices.ts';
import type { Applied } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Replica } from '../state/replica.ts';
import { isChanged } from '../state/replica.ts';
import type { RevisionMap } from '../state/revision-map.ts';
import type { Walk } from '../state/walk.ts';
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

/** What is to be told. */
export interface News {
  /** The state that was replaced; `undefined` where the changes came on top of it. */
  readonly old?: RevisionMap<unknown> | undefined;
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
  readonly #replica: Replica;
  readonly #context: TellingContext;
  readonly #read: (key: string) => R;
  readonly #stopped = new AbortController();
  #isRunning = false;
  #end: Promise<void> = Promise.resolve();

  /** @param read returns the reading of a key */
  constructor(replica: Replica, context: TellingContext, read: (key: string) => R) {
    this.#replica = replica;
    this.#context = context;
    this.#read = read;
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
  show(changed: readonly { readonly key: string }[], from: number, applied?: Applied): void {
    const { heads, runtime } = this.#context;
    // planted: telling-alone
    const isQuiet = this.#isRunning || this.watchers.isEmpty;
    const notify = (): void => {
      heads.notify();
      if (isQuiet) return;
      if (changed.length > FRAME_SHARE * runtime.slices.fewSteps) this.#begin({ from });
      else for (const { key } of changed) this.#call(key);
    };
    if (applied?.trace !== undefined) inRoot(() => runtime.tracer.apply(applied, notify));
    else if (!heads.isEmpty || !isQuiet) inRoot(notify);
  }

  /** Tells in slices what was put in place of the copy. No telling may be running. */
  replaced(news: News): void {
    const { heads, runtime } = this.#context;
    if (!heads.isEmpty) inRoot(heads.notify);
    const keys = this.#replica.size + (news.old?.size ?? 0);
    // Without watchers, the keys have to be looked at only to be counted.
    if (this.watchers.isEmpty && (news.old?.size ?? 0) === 0) news.told?.(this.#replica.size);
    else this.#begin(news, keys <= runtime.slices.fewSteps);
  }

  #begin({ old, from, told }: News, isSmall = false): void {
    if (this.#stopped.signal.aborted) return;
    this.#isRunning = true;
    const upTo = this.#replica.position.revision;
    const work = this.#work(this.#replica.walk(from), { upTo, old, told });
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
        if (old === undefined || isChanged(old.get(key), revision, value)) {
          keys += 1;
          this.#callInRoot(key);
        }
        yield;
      }
      // What is neither in the copy nor deleted from it was never read.
      for (const { key } of old?.entries() ?? []) {
        if (this.#replica.get(key) === undefined) {
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
    for (let [upTo, round] = [from, 0]; this.#replica.position.revision > upTo; round += 1) {
      upTo = this.#replica.position.revision;
      for (let entry = walk.next(upTo); entry !== undefined; entry = walk.next(upTo)) {
        this.#callInRoot(entry.key);
        if (round < MAX_ROUNDS) yield;
      }
    }
  }

  #call(key: string): void {
    this.watchers.tell(key, () => this.#read(key));
  }

  #callInRoot(key: string): void {
    if (!this.watchers.isEmpty) inRoot(() => this.#call(key));
  }
}
