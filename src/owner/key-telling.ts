/**
 * Tells the watchers of an owner's keys what has changed, each key once a turn, at its end.
 *
 * Three states follow each other, and the watchers of keys see one:
 *
 *   standing by   what the standby's follower tells its own watchers
 *   claiming      what is set here, under provisional revisions
 *   leading       what is set here, after what the claim has brought: the difference is told
 *
 * Nothing is noted while nobody watches. A watcher that sets something is told of it in the next turn, so it
 * cannot keep the loop.
 */
import type { Context } from '../actor/context.ts';
import { HeadWatchers } from '../actor/head-watchers.ts';
import type { Old } from '../actor/telling.ts';
import { Telling } from '../actor/telling.ts';
import type { Captured } from '../state/captured.ts';
import type { Ledger } from '../state/ledger.ts';
import type { RevisionMap } from '../state/revision-map.ts';
import type { Standby } from './standby.ts';

export class KeyTelling<R> {
  readonly #context: Context;
  readonly #ledger: Ledger;
  readonly #telling: Telling<R | undefined>;
  #standby: Standby | undefined;
  #unwatchStandby: (() => void) | undefined;
  #unwatchHead: (() => void) | undefined;
  /** What changed after this revision is to be told. */
  #toldUpTo = 0;
  /** The state that was shown before the ledger's, where all that differs from it is to be told. */
  #before: Old | undefined;
  #isDue = false;
  #isTelling = false;

  /** @param read returns the reading of a key; `undefined` where its value cannot be read */
  constructor(context: Context, ledger: Ledger, read: (key: string) => R | undefined) {
    this.#context = context;
    this.#ledger = ledger;
    const state = {
      get size() {
        return ledger.size;
      },
      get position() {
        return ledger.head;
      },
      get: (key: string) => ledger.get(key),
      walk: (revision: number) => ledger.walk(revision),
    };
    const { runtime } = context;
    // What was set before the claim has another revision after it, and is the same value.
    const isNews: ConstructorParameters<typeof Telling>[3] = (old, _, value) => old?.value !== value;
    this.#telling = new Telling(state, { heads: new HeadWatchers(), runtime }, read, isNews);
  }

  add(pattern: string, callback: (reading: R | undefined) => void): () => void {
    const { watchers } = this.#telling;
    if (watchers.isEmpty) this.#skip();
    const remove = watchers.add(pattern, callback);
    this.#unwatchHead ??= this.#context.heads.add(() => this.#changed());
    this.#watchStandby();
    return () => {
      remove();
      if (watchers.isEmpty) this.#unwatch();
    };
  }

  /** From now on the state of a standby is shown; with `undefined`, the ledger's. */
  show(standby: Standby | undefined): void {
    const last = this.#standby;
    this.#unwatchStandby?.();
    this.#unwatchStandby = undefined;
    this.#standby = standby;
    if (last !== undefined && this.#ledger.isLoaded) this.#goOn(last);
    this.#watchStandby();
  }

  /** The owner leads: what was set before need not be kept where nobody watches. */
  led(): void {
    if (this.#telling.watchers.isEmpty) this.#skip();
  }

  /** Nobody is told anything any more. */
  stop(): void {
    this.#telling.stop();
    this.#unwatch();
  }

  /** The ledger goes on from the copy of a standby, whose watchers may not know all of it yet. */
  #goOn(standby: Standby): void {
    this.#skip();
    if (this.#telling.watchers.isEmpty) return;
    const { position, follower } = standby;
    const isKnown = !follower.isTelling && this.#ledger.canContinue(position);
    if (isKnown) this.#toldUpTo = position.revision;
    else this.#before = standbyState(standby);
    this.#changed();
  }

  /** All that has changed up to now is told, or nobody is there to be told. */
  #skip(): void {
    this.#before = undefined;
    this.#ledger.takeReplaced();
    this.#toldUpTo = this.#ledger.head.revision;
  }

  #watchStandby(): void {
    if (this.#standby === undefined || this.#telling.watchers.isEmpty) return;
    this.#unwatchStandby ??= this.#standby.follower.watch('*', ({ key }) => this.#telling.tell(key));
  }

  #unwatch(): void {
    this.#unwatchHead?.();
    this.#unwatchHead = undefined;
    this.#unwatchStandby?.();
    this.#unwatchStandby = undefined;
  }

  #changed(): void {
    if (this.#isDue || this.#standby !== undefined) return;
    this.#isDue = true;
    const { time } = this.#context.runtime;
    if (this.#isTelling) time.nextTurn(this.#tell);
    else time.endOfTurn(this.#tell);
  }

  readonly #tell = (): void => {
    this.#isDue = false;
    const ledger = this.#ledger;
    // The walk that goes on is over a state that the claim has replaced.
    if (this.#telling.isRunning && (ledger.isReplaced || this.#before !== undefined))
      return void this.#telling.end.then(() => this.#changed());
    const from = this.#toldUpTo;
    const replaced = ledger.takeReplaced();
    const old = this.#before ?? (replaced && asTold(replaced, from));
    this.#before = undefined;
    this.#toldUpTo = ledger.head.revision;
    this.#isTelling = true;
    if (old !== undefined) this.#telling.replaced({ old, from: 0 });
    else if (this.#toldUpTo > from) this.#telling.show(changedSince(ledger, from), from);
    this.#isTelling = false;
  };
}

/** The changes are listed only where they are few. */
function changedSince(ledger: Ledger, revision: number) {
  return {
    length: ledger.head.revision - revision,
    *[Symbol.iterator]() {
      yield* ledger.entriesSince({ epoch: 0, revision });
    },
  };
}

/** The value of a key that nobody was told of yet: any other differs from it. */
const UNTOLD = Symbol('untold');

/** A state that was replaced, as it was told: up to a revision. */
function asTold(replaced: RevisionMap<Captured>, upTo: number): Old {
  return {
    size: replaced.size,
    get: (key) => {
      const entry = replaced.get(key);
      return entry === undefined || entry.revision <= upTo ? entry : { ...entry, value: UNTOLD };
    },
    *entries() {
      for (const entry of replaced.entries()) if (entry.revision <= upTo) yield entry;
      yield* replaced.since(upTo);
    },
  };
}

function standbyState(standby: Standby): Old {
  return {
    get size() {
      return standby.size;
    },
    get: (key) => standby.entry(key),
    entries: () => standby.entries(),
  };
}
