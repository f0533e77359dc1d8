/**
 * One supervised connection to Redis.
 *
 * It makes a client, waits until it answers, watches it by a heartbeat, and when anything is wrong throws
 * the client away and makes another after a jittered pause. It is `up` only between a first answer and the
 * first doubt. Every call has a deadline: a server that does not answer in time is taken for dead, and what
 * was asked has an unknown outcome.
 */
import type { TandemError } from '../errors.ts';
import { asTandemError } from '../errors.ts';
import type { Link } from '../store.ts';
import type { Cancel, Time } from '../time.ts';
import { backoffMs, jittered, withDeadline } from '../time.ts';
import type { Client } from './client.ts';
import { fromRedis, unavailable } from './errors.ts';

const CONNECT_TIMEOUT_MS = 700;
const HEARTBEAT_MS = 200;
/** Up for longer than this, a connection was a success. */
const LASTING_MS = 1_000;
/** Wrong password, missing permission: a person has to act, so there is no hurry. */
const REFUSED_PAUSE_MS = 1500;

export interface ConnectionOptions {
  readonly make: () => Client;
  readonly time: Time;
  /** How long any answer may take, ms. */
  readonly deadlineMs: number;
  /** Asks the server for a sign of life. */
  readonly heartbeat: (client: Client) => Promise<void>;
  /** Called with each new client, before it connects. */
  readonly prepare?: (client: Client) => unknown;
}

export class Connection implements Link {
  readonly #options: ConnectionOptions;
  readonly #watchers = new Set<() => void>();
  #client: Client | undefined;
  #up = false;
  #started = false;
  #stopped = false;
  #error: TandemError | undefined;
  #failures = 0;
  #upSince = Infinity;
  #cancelTimer: Cancel | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get up(): boolean {
    return this.#up;
  }

  get error(): TandemError | undefined {
    return this.#error;
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
    this.#discard();
  }

  /**
   * Asks Redis something.
   * @throws TandemError `REDIS_UNAVAILABLE` (outcome unknown), `REDIS_NOT_READY` or `REDIS_REFUSED` (not done)
   */
  async call<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    const client = this.#client;
    if (client === undefined || !this.#up) throw this.#error ?? unavailable('not connected to Redis yet');
    return this.#ask(client, ask);
  }

  async #ask<T>(client: Client, ask: (client: Client) => Promise<T>): Promise<T> {
    const { time, deadlineMs } = this.#options;
    let late: TandemError | undefined;
    try {
      return await withDeadline(time, deadlineMs, ask(client), () => {
        late = unavailable(`Redis did not answer within ${deadlineMs} ms`);
        return late;
      });
    } catch (error) {
      const failure = late ?? fromRedis(error);
      // A master that became a replica stays one; the address may lead to another by now.
      if (late !== undefined || /READONLY|MASTERDOWN/.test(failure.message)) this.#fail(client, failure);
      throw failure;
    }
  }

  #connect(): void {
    const { make, prepare, time } = this.#options;
    let client: Client;
    try {
      client = make();
    } catch (error) {
      const failure = asTandemError(error, 'REDIS_UNAVAILABLE', 'the function given as redis failed');
      this.#retry(failure);
      // What is no client now will be none later.
      if (failure.code === 'INVALID_OPTION') this.#cancelTimer?.();
      return;
    }
    this.#client = client;
    // Without a listener an 'error' would be thrown. The last one says best why the connection then closes.
    let last: TandemError | undefined;
    client.on('error', (error: unknown) => {
      last = fromRedis(error);
      if (last.code === 'REDIS_REFUSED') this.#fail(client, last);
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

  /** The first heartbeat: `ready` is ioredis's word, an answer is Redis's. */
  async #prove(client: Client): Promise<void> {
    try {
      await this.#ask(client, this.#options.heartbeat);
    } catch (error) {
      this.#fail(client, fromRedis(error));
      return;
    }
    if (client !== this.#client || this.#up) return;
    this.#up = true;
    this.#upSince = this.#options.time.now();
    this.#error = undefined;
    this.#scheduleHeartbeat(client);
    this.#tell();
  }

  #scheduleHeartbeat(client: Client): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.time.after(HEARTBEAT_MS, () => void this.#beat(client));
  }

  async #beat(client: Client): Promise<void> {
    try {
      await this.#ask(client, this.#options.heartbeat);
      if (client === this.#client) this.#scheduleHeartbeat(client);
    } catch (error) {
      const failure = fromRedis(error);
      // A busy or loading server is alive; the calls themselves find out what it refuses.
      if (failure.code === 'REDIS_NOT_READY' && client === this.#client) this.#scheduleHeartbeat(client);
      else this.#fail(client, failure);
    }
  }

  #fail(client: Client, error: TandemError): void {
    if (client !== this.#client || this.#stopped) return;
    this.#discard();
    this.#retry(error);
  }

  #retry(error: TandemError): void {
    const { time } = this.#options;
    const news = this.#up || this.#error?.message !== error.message;
    // A connection that comes and goes at once is no success.
    if (this.#up && time.now() - this.#upSince > LASTING_MS) this.#failures = 0;
    this.#up = false;
    this.#error = error;
    const pauseMs = error.retryable ? backoffMs(time, this.#failures) : jittered(time, REFUSED_PAUSE_MS);
    this.#cancelTimer?.();
    this.#cancelTimer = time.after(pauseMs, () => this.#connect());
    this.#failures += 1;
    if (news) this.#tell();
  }

  #discard(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.removeAllListeners();
    client.on('error', () => {});
    client.disconnect();
  }

  #tell(): void {
    for (const changed of this.#watchers) changed();
  }
}
