/**
 * A simulated Redis for the tests of an application: any number of participants in one process meet on it.
 *
 * It keeps the whole contract that Redis keeps (`RedisModel`), and a test calls its outages by name. They
 * break what they would break with a real Redis: a cut ends calls under way and subscriptions, a restart does
 * so for all. They take no time: a test lets time pass between them.
 */
import { ServerClock } from '../base/clock.ts';
import { listed, show, TandemError } from '../base/errors.ts';
import { kindOf } from '../base/kind.ts';
import { between } from '../base/options.ts';
import { runnerTime } from '../base/runner-time.ts';
import type { Cancel, Time } from '../base/time.ts';
import type { Observers } from '../ports/observer.ts';
import type { Joined, Joining, StoreServer } from '../ports/store-server.ts';
import { JOIN } from '../ports/store-server.ts';
import { History } from './history.ts';
import type { MemoryLink } from './link.ts';
import { RedisModel } from './redis-model.ts';
import { MemoryStore } from './store.ts';

interface Member {
  readonly name: string;
  readonly store: MemoryStore;
}

/** It runs from the first process on, which brings its time. */
interface Running {
  readonly time: Time;
  readonly history: History;
  /** What it holds, by the prefix of the processes. */
  readonly models: Map<string, RedisModel>;
}

/** A simulated Redis, as `memoryServer` returns it, whose outages a test calls by name. */
export class MemoryServer implements StoreServer {
  readonly #members = new Set<Member>();
  /** Of all processes that have ever joined. */
  readonly #names = new Set<string>();
  readonly #cut = new Set<string>();
  #running: Running | undefined;

  /**
   * Takes the links of a process away: it neither reaches the server nor hears from it, as where a network
   * fails. To all others an owner that is cut is as one that died: its lease runs out. A process that joins
   * by that name while it is cut has no links either. Where it is cut already, nothing happens.
   * @param name as in `connect({ name })`; of several processes by one name, all are cut
   * @throws TandemError `INVALID_OPTION` where no process by that name has ever joined
   */
  cut(name: string): void {
    this.#requireName(name);
    this.#cut.add(name);
    for (const member of this.#members) if (member.name === name) cutOff(member);
  }

  /**
   * Gives a process its links back. Where it is not cut, nothing happens.
   * @param name as in `cut`
   * @throws TandemError `INVALID_OPTION` where no process by that name has ever joined
   */
  restore(name: string): void {
    this.#requireName(name);
    if (!this.#cut.delete(name)) return;
    for (const { name: other, store } of this.#members) if (other === name) store.mend();
  }

  /**
   * A Redis that was started again and lost everything. All links break, and come back at once, but for those
   * that are cut.
   */
  loseAll(): void {
    for (const model of this.#running?.models.values() ?? []) model.wipe();
    this.#restart();
  }

  /**
   * A Redis that came back with its state of some time ago, as after a failover to a replica that lags. All
   * links break, and come back at once, but for those that are cut. Writes of that very moment stay. What was
   * undone is forgotten: nothing brings it back.
   *
   * For this the server remembers what each write replaced: for 10 minutes, and at most the values of the last
   * 100,000 keys that were written. So memory grows by the values that were replaced within that time.
   * @param ms 0 to how long the server remembers. Further back than its beginning it is empty
   * @throws TandemError `INVALID_OPTION`
   */
  rollBack(ms: number): void {
    between('ms', ms, 0, Number.MAX_SAFE_INTEGER);
    const history = this.#running?.history;
    const mostMs = history?.mostMs ?? Infinity;
    if (ms > mostMs) {
      const why = `ms: expected a number from 0 to ${Math.floor(mostMs)}, got ${ms}: it remembers no more`;
      throw new TandemError('INVALID_OPTION', why);
    }
    history?.rewind(ms);
    this.#restart();
  }

  /** @internal For `connect({ store })`. */
  [JOIN]({ name, prefix, time = runnerTime, deadlineMs, observers }: Joining): Joined {
    const server = modelOf(this.#runningBy(time), prefix);
    const clock = new ServerClock(time);
    const store = new MemoryStore({ server, time, clock, deadlineMs });
    const member = { name, store };
    this.#members.add(member);
    this.#names.add(name);
    if (this.#cut.has(name)) cutOff(member);
    const ends = [
      tellOf(store.commands, 'commands', observers),
      tellOf(store.subscriber, 'subscriber', observers),
    ];
    const leave = (): void => {
      for (const end of ends) end();
      this.#members.delete(member);
      store.cut('the connection is closed');
    };
    return { store, finder: store.finder, roster: store.roster, time, clock, leave };
  }

  /** The first process brings the time for all. */
  #runningBy(time: Time): Running {
    this.#running ??= { time, history: new History(time), models: new Map() };
    if (this.#running.time === time) return this.#running;
    const came = time === runnerTime ? 'none' : 'another one';
    const expected = 'the time of the processes that joined this memoryServer() before';
    throw new TandemError('INVALID_OPTION', `time: expected ${expected}, got ${came}`);
  }

  #restart(): void {
    for (const { name, store } of this.#members) {
      if (this.#cut.has(name)) continue;
      store.cut('the memory server was started again');
      store.mend();
    }
  }

  #requireName(name: string): void {
    if (this.#names.has(name)) return;
    const came = typeof name === 'string' ? show(name) : kindOf(name);
    const expected = `name: expected that of a process that has joined (${listed([...this.#names])})`;
    throw new TandemError('INVALID_OPTION', `${expected}, got ${came}`);
  }
}

function modelOf({ time, history, models }: Running, prefix: string): RedisModel {
  const model = models.get(prefix) ?? new RedisModel(time, { history, zeroMs: time.wall() - time.now() });
  models.set(prefix, model);
  return model;
}

function cutOff({ name, store }: Member): void {
  store.cut(`the links of ${show(name)} to the memory server are cut`);
}

/** Has the observers of a process told of a link, as of a connection to Redis. */
function tellOf(link: MemoryLink, name: 'commands' | 'subscriber', observers: Observers): Cancel {
  let wasUp = link.up;
  let isAgain = link.up;
  return link.watch(() => {
    if (link.up === wasUp) return;
    wasUp = link.up;
    observers.tell('link', { link: name, isUp: wasUp, isAgain, code: link.error?.code });
    isAgain = true;
  });
}
