/**
 * One client for as long as it lives: the calls over it, and why it ended.
 *
 * A session ends once, for good: by itself, when anything about its client is wrong (then its supervisor is
 * told), or by its supervisor. Every call has a deadline. A server that misses one while no bytes move is
 * taken for dead, and what became of the calls that had no reply is unknown.
 */
import type { TandemError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import { Deadlines } from './deadlines.ts';
import type { Call } from './deadlines.ts';
import { fromRedis, unavailable } from './errors.ts';
import type { Prepared } from './script.ts';
import type { Client } from './target.ts';
import { streamOf, Traffic } from './traffic.ts';
import type { Unanswered } from './unanswered.ts';
import { Outgoing } from './unanswered.ts';

export interface SessionOptions {
  readonly time: Time;
  /** How long any reply may take, ms. */
  readonly deadlineMs: number;
  readonly unanswered: Unanswered;
}

/** Who makes sessions, and makes another when one has ended. */
export interface Supervisor {
  /** ioredis says that the client is ready: whether Redis is, the first ping finds out. */
  ready(session: Session): void;
  /** The session has ended by itself. */
  lost(error: TandemError): void;
}

export class Session {
  readonly #client: Client;
  readonly #supervisor: Supervisor;
  readonly #outgoing: Outgoing;
  readonly #deadlines: Deadlines;
  /** The last error that the client reported: it says best why the client then closes. */
  #reported: TandemError | undefined;
  #hasEnded = false;

  constructor(client: Client, options: SessionOptions, supervisor: Supervisor) {
    const { time, deadlineMs, unanswered } = options;
    this.#client = client;
    this.#supervisor = supervisor;
    this.#outgoing = new Outgoing(client, time, unanswered, (failure) => this.fail(failure));
    const late = (): void =>
      this.fail(unavailable(`Redis did not answer within ${deadlineMs} ms (commandTimeoutMs)`));
    this.#deadlines = new Deadlines(time, deadlineMs, new Traffic(() => streamOf(client)), late);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Connects, unless the client has done so by itself. */
  open(): void {
    const client = this.#client;
    // Without a listener an 'error' would be thrown.
    client.on('error', (error: unknown) => {
      this.#reported = fromRedis(error);
      if (this.#reported.code === 'REDIS_REFUSED') this.fail(this.#reported);
      else this.#outgoing.notice(error);
    });
    const closed = (): void => this.giveUp('Redis closed the connection');
    client.on('close', closed);
    client.on('end', closed);
    client.on('ready', () => this.#supervisor.ready(this));
    if (client.status === 'wait')
      client.connect().catch((error: unknown) => this.fail(this.#reported ?? fromRedis(error)));
    if (client.status === 'ready') this.#supervisor.ready(this);
  }

  /**
   * @throws TandemError `REDIS_UNAVAILABLE` (outcome unknown), `REDIS_NOT_READY` or `REDIS_REFUSED` (not
   * done)
   */
  call<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    const client = this.#client;
    if (this.#hasEnded) return Promise.reject(unavailable('the connection was lost'));
    return new Promise((resolve, reject) => {
      this.#outgoing.gather();
      const reply = asked(ask, client);
      const call = this.#deadlines.add(reject);
      reply.then(
        (value) => (this.#deadlines.settle(call), resolve(value)),
        (error: unknown) => reject(this.#failed(call, error)),
      );
    });
  }

  /** See `Connection.send`. */
  send<T>(
    make: (client: Client) => Prepared,
    take: (reply: unknown) => T,
    rescue?: (failure: TandemError) => Promise<T>,
    bytesAwaited = 0,
  ): Promise<T> {
    const command = make(this.#client);
    this.#outgoing.gather();
    try {
      const sent: unknown = this.#client.sendCommand(command);
      // An instrumented client gives a promise of its own, and nobody waits for that one.
      if (sent !== command.promise) void Promise.resolve(sent).catch(nothing);
    } catch (error) {
      command.reject(error as Error);
    }
    const call = this.#deadlines.add(command.reject, command.length + bytesAwaited);
    return command.promise.then(
      (reply) => {
        this.#deadlines.settle(call);
        return take(reply);
      },
      (error: unknown) => {
        const failure = this.#failed(call, error);
        if (rescue) return rescue(failure);
        throw failure;
      },
    );
  }

  get canSendUnanswered(): boolean {
    return this.#outgoing.canSendUnanswered;
  }

  sendUnanswered(text: string): void {
    this.#outgoing.sendUnanswered(text);
  }

  /** See `Outgoing.tryUnanswered`. */
  tryUnanswered(): Promise<boolean> {
    return this.#outgoing.tryUnanswered((command) =>
      this.call((client) => client.sendCommand(command) as Promise<unknown>),
    );
  }

  /** Ends the session, since something is wrong with it. */
  fail(error: TandemError): void {
    if (this.#hasEnded) return;
    this.end(error);
    this.#supervisor.lost(error);
  }

  /** As `fail`; what the client has reported says better why. */
  giveUp(why: string): void {
    this.fail(this.#reported ?? unavailable(why));
  }

  /**
   * Throws the client away. It may leave a call without a reply: nobody shall wait for that until its
   * deadline.
   */
  end(error: TandemError): void {
    this.#hasEnded = true;
    this.#outgoing.end();
    const client = this.#client;
    client.removeAllListeners();
    client.on('error', () => {});
    client.disconnect();
    // One call was refused; what became of the others is unknown.
    const unknown = error.code === 'REDIS_UNAVAILABLE' ? error : unavailable('the connection was lost');
    this.#deadlines.end(unknown);
  }

  #failed(call: Call, error: unknown): TandemError {
    const failure = fromRedis(error);
    // A master that became a replica stays one; the address may lead to another by now.
    const isReplica = this.#deadlines.settle(call) && /READONLY|MASTERDOWN/.test(failure.message);
    if (isReplica) this.fail(failure);
    return failure;
  }
}

/** A client that somebody has instrumented may throw. Only what a promise rejects with is rewritten. */
async function asked<T>(ask: (client: Client) => Promise<T>, client: Client): Promise<T> {
  return ask(client);
}

function nothing(): void {}
