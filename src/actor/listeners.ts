/**
 * The listeners of an actor, by the type of event: XState emits, and does not say to how many. Every way to
 * listen goes by the actor's own `on`: the participant's, and that of whoever has started the actor.
 */
import type { EventObject, Subscription } from 'xstate';

/** The part of an actor by which others listen. */
interface Heard {
  on(type: string, handler: (event: EventObject) => void): Subscription;
}

export class Listeners {
  readonly #counts = new Map<string, number>();

  /** @param actor its `on` counts from now on */
  constructor(actor: Heard) {
    const on = actor.on.bind(actor);
    actor.on = (type, handler) => {
      const subscription = on(type, handler);
      this.#add(type, 1);
      let isOver = false;
      const unsubscribe = (): void => {
        if (!isOver) this.#add(type, -1);
        isOver = true;
        subscription.unsubscribe();
      };
      return { unsubscribe };
    };
  }

  /** Whether somebody listens for this type of event, or for all types. */
  hears(type: string): boolean {
    return this.#of(type) + this.#of('*') > 0;
  }

  #of(type: string): number {
    return this.#counts.get(type) ?? 0;
  }

  #add(type: string, change: number): void {
    this.#counts.set(type, this.#of(type) + change);
  }
}
