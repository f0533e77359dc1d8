/**
 * One supervised connection to Redis.
 *
 * It makes a client, waits until it answers, watches it by a ping, and when anything is wrong throws
 * the client away and makes another after a jittered pause. It is `up` only between a first answer and the
 * first doubt. Every call has a deadline: a server that does not answer in time is taken for dead, and what
 * was asked has an unknown outcome.
 */
import type { Command } from 'ioredis';
import type { TandemError } from '../base/errors.ts';
import { asTandemError } from '../base/errors.ts';
import type { LinkChanged } from '../ports/observer.ts';
import type { Link } from '../ports/store.ts';
import type { Cancel, Time } from '../base/time.ts';
import { backoffMs, jittered } from '../base/time.ts';
import type { Client } from './client.ts';
import { fromRedis, unavailable } from './errors.ts';
import { Outgoing, Unanswered } from './unanswered.ts';

const CONNECT_TIMEOUT_MS = 700;
const PING_MS = 200;
/** Up for longer than this, a connection was a success. */
const LASTING_MS = 1_000;
/** Before any other try, also after one that took long. */
const LEAST_PAUSE_MS = 50;
/** Wrong password, missing permission: to try fast at first would be of no use. */
const REFUSED_PAUSE_MS = 800;

export interface ConnectionOptions {
  readonly make: () => Client;
  readonly time: Time;
  /** How long any answer may take, ms. */
  readonly deadlineMs: number;
  /** Asks the server for a sign of life. */
  readonly ping: (client: Client) => Promise<void>;
  /** Looks, once a connection, for what a person should mend. May fail: then nothing is known. */
  readonly inspect?: (client: Client) => Promise<TandemError | undefined>;
  /** Called with each new client, before it connects. */
  readonly prepare?: (client: Client) => unknown;
  /** Whether `sendUnanswered` is wanted. Default false. */
  readonly unanswered?: boolean;
  /** Told when it comes up, and when it goes down. */
  readonly changed?: (what: Omit<LinkChanged, 'link'>) => void;
}

/** A call that waits for its answer. */
interface Call {
  readonly dueAt: number;
  readonly reject: (error: TandemError) => void;
}

export class Connection implements Link {
  readonly #options: ConnectionOptions;
  readonly #watchers = new Set<() => void>();
  readonly #unanswered: Unanswered;
  #client: Client | undefined;
  #outgoing: Outgoing | undefined;
  #up = false;
  #started = false;
  #stopped = false;
  #error: TandemError | undefined;
  #warning: TandemError | undefined;
  #failures = 0;
  #wasUp = false;
  #upSince = Infinity;
  #triedAt = -Infinity;
  #cancelTimer: Cancel | undefined;
  #heardAt = -Infinity;
  /** Who waits for an answer, oldest first. */
  readonly #underWay = new Set<Call>();
  #isWatching = false;
  #cancelDeadline: Cancel | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#unanswered = new Unanswered(options.time, options.unanswered === true);
  }

  get up(): boolean {
    return this.#up;
  }

  get error(): TandemError | undefined {
    return this.#error;
  }

  get warning(): TandemError | undefined {
    return this.#warning;
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    this.start();
    return () => void this.#watchers.delete(changed);
  }

  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    this.#connect();
  }

  /** Closes for good. Calls under way are rejected. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#up = false;
    this.#error = unavailable('the connection is closed');
    this.#discard(this.#error);
  }

  /**
   * Asks Redis something.
   * @throws TandemError `REDIS_UNAVAILABLE` (outcome unknown), `REDIS_NOT_READY` or `REDIS_REFUSED` (not done)
   */
  call<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    const client = this.#client;
    return client !== undefined && this.#up ? this.#ask(client, ask) : this.#refuse();
  }

  /**
   * As `call`, for one command. Every update takes this way: to the promise of the command it adds the one that it returns.
   * @param take what is made of the answer
   * @param rescue what is done instead where it failed; or it throws
   */
  send<T>(
    make: (client: Client) => Command,
    take: (reply: unknown) => T,
    rescue?: (failure: TandemError) => Promise<T>,
  ): Promise<T> {
    const client = this.#client;
    if (client === undefined || !this.#up) return this.#refuse();
    const command = make(client);
    this.#outgoing?.gather();
    void client.sendCommand(command);
    const call = this.#await(client, command.reject);
    return command.promise.then(
      (reply) => {
        this.#underWay.delete(call);
        return take(reply);
      },
      (error: unknown) => {
        const failure = this.#failed(client, call, error);
        if (rescue) return rescue(failure);
        throw failure;
      },
    );
  }

  /** Whether `sendUnanswered` would send now. Not where what was sent before still waits to go out. */
  get canSendUnanswered(): boolean {
    return this.#up && this.#outgoing?.canSendUnanswered === true;
  }

  /**
   * Sends a command that Redis carries out in the order of all others, and does not reply to. Whether it arrived, a later
   * call finds out. To be called where `canSendUnanswered` holds.
   * @param text the command as it travels
   */
  sendUnanswered(text: string): void {
    if (this.#up) this.#outgoing?.sendUnanswered(text);
  }

  #refuse(): Promise<never> {
    return Promise.reject(this.#error ?? unavailable('not connected to Redis yet'));
  }

  #ask<T>(client: Client, ask: (client: Client) => Promise<T>): Promise<T> {
    // Deadlines are those of the client that is kept.
    if (client !== this.#client) return Promise.reject(unavailable('the connection was lost'));
    return new Promise((resolve, reject) => {
      this.#outgoing?.gather();
      const answer = ask(client);
      const call = this.#await(client, reject);
      answer.then(
        (value) => (this.#underWay.delete(call), resolve(value)),
        (error: unknown) => reject(this.#failed(client, call, error)),
      );
    });
  }

  #await(client: Client, reject: Call['reject']): Call {
    const call = { dueAt: this.#options.time.now() + this.#options.deadlineMs, reject };
    this.#underWay.add(call);
    this.#watchDeadlines(client);
    return call;
  }

  #failed(client: Client, call: Call, error: unknown): TandemError {
    const failure = fromRedis(error);
    // A master that became a replica stays one; the address may lead to another by now.
    const isReplica = this.#underWay.delete(call) && /READONLY|MASTERDOWN/.test(failure.message);
    if (isReplica) this.#fail(client, failure);
    return failure;
  }

  /**
   * One timer for all calls, as all have one deadline: the oldest is due first. A process whose loop was blocked finds its
   * timers due before it has read its sockets; so what is due has one more turn of the loop, and an answer that had
   * already arrived still counts.
   */
  #watchDeadlines(client: Client): void {
    const [oldest] = this.#underWay;
    if (this.#isWatching || oldest === undefined) return;
    this.#isWatching = true;
    const { time } = this.#options;
    this.#cancelDeadline = time.after(oldest.dueAt - time.now(), () => {
      const asOf = time.now();
      time.nextTurn(() => time.nextTurn(() => this.#turnAway(client, asOf)));
    });
  }

  /** Who was due by then, and has no answer yet, gets none: the server is taken for dead. */
  #turnAway(client: Client, asOf: number): void {
    if (client !== this.#client) return;
    this.#isWatching = false;
    const [oldest] = this.#underWay;
    if (oldest === undefined || oldest.dueAt > asOf) return this.#watchDeadlines(client);
    this.#fail(client, unavailable(`Redis did not answer within ${this.#options.deadlineMs} ms`));
  }

  #connect(): void {
    const { make, prepare, time } = this.#options;
    this.#triedAt = time.now();
    let client: Client;
    try {
      client = make();
    } catch (error) {
      const failure = asTandemError(error, 'REDIS_UNAVAILABLE', 'the function given as redis failed');
      // Whoever is only just opening a participant is listening by then.
      time.endOfTurn(() => this.#failedToMake(failure));
      return;
    }
    this.#client = client;
    const outgoing = new Outgoing(client, time, this.#unanswered, (failure) => this.#fail(client, failure));
    this.#outgoing = outgoing;
    // Without a listener an 'error' would be thrown. The last one says best why the connection then closes.
    let last: TandemError | undefined;
    client.on('error', (error: unknown) => {
      last = fromRedis(error);
      if (last.code === 'REDIS_REFUSED') this.#fail(client, last);
      else outgoing.notice(error);
    });
    const closed = (): void => this.#fail(client, last ?? unavailable('Redis closed the connection'));
    client.on('close', closed);
    client.on('end', closed);
    client.on('ready', () => void this.#prove(client));
    prepare?.(client);
    if (client.status === 'wait')
      client.connect().catch((error: unknown) => this.#fail(client, last ?? fromRedis(error)));
    if (client.status === 'ready') void this.#prove(client);
    this.#cancelTimer = time.after(CONNECT_TIMEOUT_MS, () => {
      this.#fail(client, last ?? unavailable(`no connection to Redis within ${CONNECT_TIMEOUT_MS} ms`));
    });
  }

  #failedToMake(failure: TandemError): void {
    if (this.#stopped) return;
    this.#retry(failure);
    // What is no client now will be none later.
    if (failure.code === 'INVALID_OPTION') this.#cancelTimer?.();
  }

  /** The first ping: `ready` is ioredis's word, an answer is Redis's. */
  async #prove(client: Client): Promise<void> {
    const outgoing = this.#outgoing;
    let isInStep: boolean;
    try {
      await this.#ask(client, this.#options.ping);
      // It is there. What it is asked from now on has deadlines of its own.
      if (client === this.#client) this.#cancelTimer?.();
      const ask = (command: Command): Promise<unknown> =>
        this.#ask(client, (one) => one.sendCommand(command) as Promise<unknown>);
      isInStep = outgoing !== undefined && (await outgoing.tryUnanswered(ask));
    } catch (error) {
      this.#fail(client, fromRedis(error));
      return;
    }
    if (client !== this.#client || this.#up) return;
    if (!isInStep) return this.#replaceClient();
    this.#up = true;
    this.heard();
    this.#upSince = this.#options.time.now();
    this.#error = undefined;
    this.#schedulePing(client);
    this.#options.changed?.({ isUp: true, isAgain: this.#wasUp, code: undefined });
    this.#wasUp = true;
    this.#tell();
    void this.#inspect(client);
  }

  /** Replies that nobody waits for may still be on their way to this one. */
  #replaceClient(): void {
    this.#cancelTimer?.();
    this.#discard(unavailable('another connection is made'));
    this.#connect();
  }

  async #inspect(client: Client): Promise<void> {
    const { inspect } = this.#options;
    const warning = inspect && (await this.#ask(client, inspect).catch(() => undefined));
    if (warning === undefined || client !== this.#client) return;
    this.#warning = warning;
    this.#tell();
  }

  /** Something has come over it: a sign of life as good as an answer. */
  heard(): void {
    this.#heardAt = this.#options.time.now();
  }

  #schedulePing(client: Client): void {
    this.#cancelTimer?.();
    const { time } = this.#options;
    const quietMs = Math.min(PING_MS, time.now() - this.#heardAt);
    this.#cancelTimer = time.after(PING_MS - quietMs, () => void this.#pingNow(client));
  }

  async #pingNow(client: Client): Promise<void> {
    if (this.#options.time.now() - this.#heardAt < PING_MS) return this.#schedulePing(client);
    try {
      await this.#ask(client, this.#options.ping);
      this.heard();
      if (client === this.#client) this.#schedulePing(client);
    } catch (error) {
      const failure = fromRedis(error);
      // A busy or loading server is alive; the calls themselves find out what it refuses.
      if (failure.code === 'REDIS_NOT_READY' && client === this.#client) {
        this.heard();
        this.#schedulePing(client);
      } else this.#fail(client, failure);
    }
  }

  #fail(client: Client, error: TandemError): void {
    if (client !== this.#client || this.#stopped) return;
    this.#discard(error);
    this.#retry(error);
  }

  #retry(error: TandemError): void {
    const { time } = this.#options;
    const wasUp = this.#up;
    const news = wasUp || this.#error?.message !== error.message;
    // A connection that comes and goes at once is no success.
    if (wasUp && time.now() - this.#upSince > LASTING_MS) this.#failures = 0;
    if (wasUp) this.#options.changed?.({ isUp: false, isAgain: true, code: error.code });
    this.#up = false;
    this.#error = error;
    const pauseMs = error.retryable ? backoffMs(time, this.#failures) : jittered(time, REFUSED_PAUSE_MS);
    // Counted from the beginning of a try: one that hung has waited already.
    const waitedMs = wasUp ? 0 : time.now() - this.#triedAt;
    this.#cancelTimer?.();
    this.#cancelTimer = time.after(Math.max(jittered(time, LEAST_PAUSE_MS), pauseMs - waitedMs), () =>
      this.#connect(),
    );
    this.#failures += 1;
    if (news) this.#tell();
  }

  /** Throws the client away. It may leave a call without an answer: nobody shall wait for that till its deadline. */
  #discard(error: TandemError): void {
    const client = this.#client;
    this.#client = undefined;
    this.#outgoing?.end();
    this.#outgoing = undefined;
    if (client === undefined) return;
    client.removeAllListeners();
    client.on('error', () => {});
    client.disconnect();
    // Refused was one of them; what became of the others is unknown.
    const unknown = error.code === 'REDIS_UNAVAILABLE' ? error : unavailable('the connection was lost');
    for (const { reject } of this.#underWay) reject(unknown);
    this.#underWay.clear();
    this.#cancelDeadline?.();
    this.#isWatching = false;
  }

  #tell(): void {
    for (const changed of this.#watchers) changed();
  }
}
