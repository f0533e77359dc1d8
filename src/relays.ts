/**
 * The relays of one process: for each space that it passes on, a copy of its own, whose values stay the JSON texts
 * that they came as. What the schemas here make of a value, or refuse, changes nothing for those behind.
 *
 * A relay begins when somebody first asks for the space, and ends with the participant that it stands beside.
 */
import { createActor } from 'xstate';
import type { AnyActorRef } from './actor/logic.ts';
import { Feed } from './actor/feed.ts';
import type { AnyParticipant } from './actor/participant.ts';
import { CopySource } from './follower/copy-source.ts';
import { followerLogic } from './follower/follower.ts';
import type { FollowOptions, Follower } from './follower/follower.ts';
import { Observers } from './ports/observer.ts';
import type { Registry } from './ports/registry.ts';
import type { Runtime } from './ports/runtime.ts';
import { noTracer } from './ports/tracer.ts';
import { jsonText } from './state/schema.ts';
import { defineSpace } from './state/space.ts';

/** A feed, and the way of its frames. */
export interface Served {
  readonly feed: Feed;
  /** The ids of the processes that its frames have come through before this one. */
  readonly via: readonly string[];
}

/** A reader gets a sign of life when one came here, and at the latest after this time, ms. */
const BEAT_MS = 250;
/** A relay is no participant: nobody counts it, stops it or reads it. */
const UNLISTED: Registry = { enter: () => {}, leave: () => {}, size: 1 };

class Relay implements Served {
  readonly feed: Feed;
  readonly #copy: Follower;

  constructor(copy: Follower, runtime: Runtime) {
    this.#copy = copy;
    this.feed = new Feed(new CopySource(copy.parts, copy), runtime, { heartbeatMs: BEAT_MS });
    copy.watchHead(() => this.feed.changed());
    copy.onProof(() => this.feed.renewed());
    // With Redis, the direct path comes and goes beside it. A circle is found by whoever closes it, all the same: a
    // process without Redis tells its readers of each new way.
    if (copy.isUpstream) copy.onWay(() => this.feed.restart());
  }

  get via(): readonly string[] {
    return this.#copy.via;
  }

  end(): void {
    this.feed.end();
    this.#copy.close();
  }
}

export class Relays {
  readonly #runtimeOf: (space: { readonly name: string }) => Runtime;
  readonly #parent: AnyActorRef;
  readonly #bySpace = new Map<string, { readonly relay: Relay; readonly beside: AnyParticipant }>();

  /** @param runtimeOf gives the runtime of a space: in a Cluster each has a store of its own */
  constructor(runtimeOf: (space: { readonly name: string }) => Runtime, parent: AnyActorRef) {
    this.#runtimeOf = runtimeOf;
    this.#parent = parent;
  }

  /** The relay beside a participant; it begins where there is none. */
  of(beside: AnyParticipant, options: FollowOptions): Served {
    const { name } = beside.space;
    const known = this.#bySpace.get(name);
    if (known?.beside === beside) return known.relay;
    known?.relay.end();
    const runtime = this.#runtimeOf({ name });
    const copy = this.#follow(name, runtime, options);
    const relay = new Relay(copy, runtime);
    const own = { relay, beside };
    this.#bySpace.set(name, own);
    const over = ({ mode }: { mode: string }): void => {
      if (mode !== 'stopped' || this.#bySpace.get(name) !== own) return;
      this.#bySpace.delete(name);
      relay.end();
    };
    beside.on('mode', over);
    // A copy ends by itself where its space was removed.
    copy.on('mode', over);
    return relay;
  }

  /** Ends all of them. */
  stop(): void {
    for (const { relay } of this.#bySpace.values()) relay.end();
    this.#bySpace.clear();
  }

  #follow(name: string, lent: Runtime, options: FollowOptions): Follower {
    const space = defineSpace(name, { '*': jsonText });
    const runtime = { ...lent, observers: new Observers(), tracer: noTracer, registry: UNLISTED };
    const actor = createActor(followerLogic(space, runtime, options), {
      parent: this.#parent,
      id: `relay:${name}`,
    });
    actor.start();
    return actor.getSnapshot().follower;
  }
}
