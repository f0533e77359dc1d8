/**
 * One supervised connection to Redis. A client lives as long as its connection: when anything is wrong with
 * it, it is thrown away, and another one is made after a pause.
 *
 *   idle        nobody wants it yet                           until `start`, or the first `watch`
 *   asking      the user's function is asked for credentials  until it gives some, where there is one
 *   connecting  the client connects                           until it says that it is ready
 *   proving     a first ping, a try of unanswered commands    until both are answered
 *   up          calls are taken                               until anything is wrong
 *   waiting     a pause before the next try                   until its timer
 *   stopped     closed for good
 *
 * - Every call has a deadline, and waits on while bytes move. What became of a call without a reply is
 *   unknown.
 * - Pauses are jittered, grow with each failure in a row, and count from the beginning of the try.
 * - After a refusal (wrong password, missing permission) the pause is long from the first time on.
 * - A function that gives no client (`INVALID_OPTION`) is never called again.
 * - A warning, such as of eviction, is looked for once a connection.
 */
import { TandemError } from '../base/errors.ts';
import type { LinkChanged } from '../ports/observer.ts';
import type { Link } from '../ports/store.ts';
import type { Cancel, Time } from '../base/time.ts';
import { backoffMs, jittered } from '../base/time.ts';
import { placeOf } from '../base/node-error.ts';
import type { Credentials, CredentialsSource } from './credentials.ts';
import { askFor, CREDENTIALS_MS, credentialsTimedOut } from './credentials.ts';
import { fromFunction, fromRedis, unavailable } from './errors.ts';
import { Ping } from './ping.ts';
import type { Prepared } from './script.ts';
import { Session } from './session.ts';
import type { Client } from './target.ts';
import { refused } from './url.ts';
import { Unanswered } from './unanswered.ts';

/**
 * From the beginning of a try to the first answer, by default: a hung server is tried again soon. That takes
 * three round trips, and one or two more with TLS.
 */
export const CONNECT_TIMEOUT_MS = 700;
/** Up for longer than this, a connection was a success. */
const LASTING_MS = 1_000;
/** Before any other try, also after one that took long. */
const LEAST_PAUSE_MS = 50;
/** After a wrong password or a missing permission: fast tries would not help. */
const REFUSED_PAUSE_MS = 800;

/** What is known of a client that was made. */
export interface About {
  /** How long a try to connect it may take, ms. */
  readonly connectTimeoutMs: number;
  /** Something that a person should mend. */
  readonly warning?: TandemError | undefined;
}

export interface ConnectionOptions {
  /** Makes a client that is ready to be connected. */
  readonly make: (credentials?: Credentials) => Client;
  /** Asked before each client is made. Default: the client has its own. */
  readonly credentials?: CredentialsSource | undefined;
  readonly about?: (client: Client) => About;
  readonly time: Time;
  /** How long any answer may take, ms. */
  readonly deadlineMs: number;
  /** Asks the server for a sign of life. */
  readonly ping: (client: Client) => Promise<void>;
  /** Looks, once a connection, for something that a person should mend. May fail: then nothing is known. */
  readonly inspect?: (client: Client) => Promise<TandemError | undefined>;
  /** Told when it comes up, and when it goes down. */
  readonly changed?: (what: Omit<LinkChanged, 'link'>) => void;
}

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'asking'; readonly cancelTimeout: Cancel }
  | {
      readonly kind: 'connecting' | 'proving';
      readonly session: Session;
      /** When the try began, on `Time`. */
      readonly triedAt: number;
      readonly cancelTimeout: Cancel;
    }
  | { readonly kind: 'up'; readonly session: Session; readonly ping: Ping; readonly since: number }
  | { readonly kind: 'waiting'; readonly cancelRetry: Cancel }
  | { readonly kind: 'stopped' };

export class Connection implements Link {
  readonly #options: ConnectionOptions;
  readonly #unanswered: Unanswered;
  readonly #watchers = new Set<() => void>();
  #phase: Phase = { kind: 'idle' };
  /** Why it is not up: also while the next try is under way. */
  #error: TandemError | undefined;
  #warning: TandemError | undefined;
  /** In a row: pauses grow with them. */
  #failures = 0;
  #wasUp = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#unanswered = new Unanswered(options.time);
  }

  get up(): boolean {
    return this.#phase.kind === 'up';
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
    if (this.#phase.kind === 'idle') this.#connect();
  }

  /** Closes for good. Calls under way are rejected. */
  stop(): void {
    const phase = this.#phase;
    this.#phase = { kind: 'stopped' };
    this.#error = unavailable('the connection is closed');
    leave(phase);
    if ('session' in phase) phase.session.end(this.#error);
  }

  /**
   * Asks Redis something.
   * @throws TandemError `REDIS_UNAVAILABLE` (outcome unknown), `REDIS_NOT_READY`, `REDIS_REFUSED` (not done)
   */
  call<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    const phase = this.#phase;
    return phase.kind === 'up' ? phase.session.call(ask) : this.#refuse();
  }

  /**
   * As `call`, for one command. Every update takes this way: to the promise of the command it adds the one
   * that it returns.
   * @param take makes the result of the reply
   * @param rescue what to do instead where the command failed; or it throws
   * @param bytesAwaited of the reply, where they are many
   */
  send<T>(
    make: (client: Client) => Prepared,
    take: (reply: unknown) => T,
    rescue?: (failure: TandemError) => Promise<T>,
    bytesAwaited?: number,
  ): Promise<T> {
    const phase = this.#phase;
    return phase.kind === 'up' ? phase.session.send(make, take, rescue, bytesAwaited) : this.#refuse();
  }

  /** Whether `sendUnanswered` can send now. Not where what was sent before still waits to go out. */
  get canSendUnanswered(): boolean {
    return this.#phase.kind === 'up' && this.#phase.session.canSendUnanswered;
  }

  /**
   * Sends a command that Redis carries out in the order of all others, and does not reply to. Whether it
   * arrived, a later call finds out. To be called where `canSendUnanswered` holds.
   * @param text the command as it travels
   */
  sendUnanswered(text: string): void {
    if (this.#phase.kind === 'up') this.#phase.session.sendUnanswered(text);
  }

  /** From now on `sendUnanswered` is wanted: it is tried with the client that is up, and with each later one. */
  wantUnanswered(): void {
    const phase = this.#phase;
    if (!this.#unanswered.want() || phase.kind !== 'up') return;
    void this.#tryUnanswered(phase.session);
  }

  /** Something came over it: a sign of life as good as an answer. */
  heard(): void {
    if (this.#phase.kind === 'up') this.#phase.ping.heard();
  }

  #refuse(): Promise<never> {
    return Promise.reject(this.#error ?? unavailable('not connected to Redis yet'));
  }

  #connect(): void {
    const { credentials, time } = this.#options;
    const triedAt = time.now();
    if (credentials === undefined) return this.#open(triedAt);
    const cancelTimeout = time.after(CREDENTIALS_MS, () => failed(credentialsTimedOut()));
    const phase: Phase = { kind: 'asking', cancelTimeout };
    this.#phase = phase;
    const failed = (error: TandemError): void => {
      if (this.#leave(phase)) this.#retry(error, time.now() - triedAt);
    };
    askFor(credentials).then((given) => this.#leave(phase) && this.#open(time.now(), given), failed);
  }

  /** Ends a phase, unless it was over. */
  #leave(phase: Phase): boolean {
    if (this.#phase !== phase) return false;
    leave(phase);
    return true;
  }

  #open(triedAt: number, credentials?: Credentials): void {
    const { make, about, time, deadlineMs } = this.#options;
    let client: Client;
    try {
      client = make(credentials);
    } catch (error) {
      const failure = error instanceof TandemError ? error : fromFunction(error);
      return this.#failedToMake(failure, triedAt);
    }
    const { connectTimeoutMs, warning } = about?.(client) ?? { connectTimeoutMs: CONNECT_TIMEOUT_MS };
    this.#warning ??= warning;
    let session: Session;
    try {
      session = new Session(
        client,
        { time, deadlineMs, unanswered: this.#unanswered },
        { ready: (session) => void this.#prove(session), lost: (error) => this.#lost(error) },
      );
    } catch {
      // A client that is frozen, or a proxy of one, may throw anything.
      const why = 'expected the function to return a client that can be set up, got one that throws';
      return this.#failedToMake(refused(why), triedAt);
    }
    const cancelTimeout = time.after(connectTimeoutMs, () =>
      session.giveUp(
        `no connection to Redis${addressOf(client)} within ${connectTimeoutMs} ms (connectTimeoutMs)`,
      ),
    );
    this.#phase = { kind: 'connecting', session, triedAt, cancelTimeout };
    session.open();
  }

  #failedToMake(failure: TandemError, triedAt: number): void {
    const { time } = this.#options;
    const phase: Phase = { kind: 'waiting', cancelRetry: nothing };
    this.#phase = phase;
    // A caller that is only just opening a participant listens by then.
    time.endOfTurn(() => {
      if (this.#phase === phase) this.#retry(failure, time.now() - triedAt);
    });
  }

  /** `ready` is the client's word; an answer is Redis's. */
  async #prove(session: Session): Promise<void> {
    const phase = this.#phase;
    if (phase.kind !== 'connecting') return;
    this.#phase = { ...phase, kind: 'proving' };
    let isInStep: boolean;
    try {
      await session.call(this.#options.ping);
      // It is there. What it is asked from now on has deadlines of its own.
      phase.cancelTimeout();
      isInStep = await session.tryUnanswered();
    } catch (error) {
      session.fail(fromRedis(error));
      return;
    }
    if (session.hasEnded) return;
    if (isInStep) return this.#comeUp(session);
    session.end(unavailable('another connection is made'));
    this.#connect();
  }

  #comeUp(session: Session): void {
    const { time, changed } = this.#options;
    const ask = (): Promise<void> => session.call(this.#options.ping);
    const ping = new Ping(time, ask, (failure) => session.fail(failure));
    this.#phase = { kind: 'up', session, ping, since: time.now() };
    this.#error = undefined;
    changed?.({ isUp: true, isAgain: this.#wasUp, code: undefined });
    this.#wasUp = true;
    this.#tell();
    void this.#inspect(session);
  }

  async #inspect(session: Session): Promise<void> {
    const { inspect } = this.#options;
    const warning = inspect && (await session.call(inspect).catch(() => undefined));
    if (warning === undefined || session.hasEnded) return;
    this.#warning = warning;
    this.#tell();
  }

  /** As `#prove` does, for a session that is up already. */
  async #tryUnanswered(session: Session): Promise<void> {
    try {
      if (!(await session.tryUnanswered())) session.fail(unavailable('another connection is made'));
    } catch (error) {
      session.fail(fromRedis(error));
    }
  }

  /** The session has ended by itself. */
  #lost(error: TandemError): void {
    const { time, changed } = this.#options;
    const phase = this.#phase;
    leave(phase);
    if (phase.kind === 'connecting' || phase.kind === 'proving') {
      // Pauses count from the beginning of a try: one that hung has waited already.
      this.#retry(error, time.now() - phase.triedAt);
    } else if (phase.kind === 'up') {
      // A connection that comes and goes at once is no success.
      if (time.now() - phase.since > LASTING_MS) this.#failures = 0;
      changed?.({ isUp: false, isAgain: true, code: error.code });
      this.#retry(error, 0);
    }
  }

  /** @param waitedMs how much of the pause has passed already */
  #retry(error: TandemError, waitedMs: number): void {
    if (this.#phase.kind === 'stopped') return;
    const { time } = this.#options;
    const isNews = this.#error?.message !== error.message;
    this.#error = error;
    const pauseMs = error.retryable ? backoffMs(time, this.#failures) : jittered(time, REFUSED_PAUSE_MS);
    const leastMs = jittered(time, LEAST_PAUSE_MS);
    // A function that gives no client now gives none later.
    const isFinal = error.code === 'INVALID_OPTION';
    const connect = (): void => {
      // planted: reconnect
      this.#connect();
    };
    const cancelRetry = isFinal ? nothing : time.after(Math.max(leastMs, pauseMs - waitedMs), connect);
    this.#phase = { kind: 'waiting', cancelRetry };
    this.#failures += 1;
    if (isNews) this.#tell();
  }

  #tell(): void {
    for (const changed of this.#watchers) changed();
  }
}

/** ` at host:port`, for an error message; nothing where a client has no one address. */
function addressOf({ options }: Client): string {
  const { host, port, path } = options as { host?: unknown; port?: unknown; path?: unknown };
  const place = placeOf(host, port, path);
  return place === undefined ? '' : ` at ${place}`;
}

/** Cancels what a phase has under way. */
function leave(phase: Phase): void {
  if ('cancelTimeout' in phase) phase.cancelTimeout();
  else if (phase.kind === 'up') phase.ping.end();
  else if (phase.kind === 'waiting') phase.cancelRetry();
}

function nothing(): void {}
