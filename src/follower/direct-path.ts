/**
 * The direct path, follower's side: reads frames from the owner's process, or from another one that follows it,
 * without Redis between. Where there are several addresses, each failure leads to the next one.
 *
 * It reads the state first, where the follower has none to go on from, and then what changed since, until the
 * feed ends. The address comes from the configuration alone, no redirect is followed, and everything has a
 * limit in size and in time.
 *
 * The owner's clock is read as a session begins, and again every few seconds while frames come. It is also
 * read after this machine slept, and when a frame is not of the time that the clock shows. Else a session
 * that lasts for days would prove less and less, since two clocks drift apart.
 */
import { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import { kindOf } from '../base/kind.ts';
import { causeOf, safeError } from '../base/node-error.ts';
import type { Frame } from '../state/frame.ts';
import { FrameText } from '../state/frame-text.ts';
import { decodeMessage } from '../state/message.ts';
import type { Path, PathListener, PathTarget, WholeState } from '../ports/path.ts';
import { printPosition } from '../state/position.ts';
import type { Cancel, Time } from '../base/time.ts';
import { backoffMs, jittered, pause, withDeadline } from '../base/time.ts';
import type { Answer, Ask } from './ask.ts';
import { ask } from './ask.ts';
import { EventReader, messageOf, requireSize } from './event-reader.ts';

/** The greatest length of anything that a follower reads, UTF-16 code units. */
const MAX_LENGTH = 256 * 1024 * 1024;
const MAX_CLOCK_LENGTH = 1_000;
const ANSWER_TIMEOUT_MS = 1_000;
/** A whole state may be large. It counts as given up when no piece of it comes for this long, ms. */
const STATE_SILENCE_MS = 5_000;
/** The number of samples of a clock that is not known yet. */
const CLOCK_SAMPLES = 3;
/** How old the newest sample may be, ms: the clocks drift apart by a millisecond meanwhile. */
const CLOCK_AGE_MS = 5_000;
/** The least time between two samples, ms: the owner's machine may be slow, and its clock right. */
const CLOCK_PAUSE_MS = 100;
/** The longest pause of a process for which this path is all, ms: each level of a tree adds one to an outage. */
const MOST_PAUSE_MS = 400;
/** The pause before the next of several addresses is asked, ms. */
const NEXT_PAUSE_MS = 10;
/** The pause after the owner refused the token, ms: a wrong token does not become right by itself. */
const REFUSED_PAUSE_MS = 5_000;

/** What an error calls the other end of a direct path beside Redis. */
export const OWNER = 'the owner';

/** What a path needs besides its target. */
export interface PathOptions {
  readonly time: Time;
  /** The silence after which the other end counts as dead, ms. */
  readonly maxStaleMs: number;
  /** The id of this process: frames that have come through it are refused. Default: none is. */
  readonly self?: string | undefined;
  /** How HTTP is spoken; a simulation has its own way. */
  readonly askOver?: Ask | undefined;
}

export class DirectPath implements Path {
  readonly clock: ServerClock;
  readonly #time: Time;
  readonly #bases: readonly string[];
  readonly #self: string | undefined;
  readonly #peer: string;
  readonly #mostPauseMs: number;
  readonly #headers: Record<string, string>;
  readonly #space: string;
  readonly #maxStaleMs: number;
  readonly #askOver: Ask;
  #abort: AbortController | undefined;
  /** The index of the address in use. */
  #at = 0;
  #via: readonly string[] = [];
  /** When the owner's clock was last asked for, on `Time`, ms. */
  #sampledAt = -Infinity;

  /** @throws TandemError `INVALID_OPTION` */
  constructor(space: string, target: PathTarget, { time, maxStaleMs, self, askOver = ask }: PathOptions) {
    const { urls, token, option, peer } = target;
    this.clock = new ServerClock(time);
    this.#time = time;
    this.#space = encodeURIComponent(space);
    this.#bases = urls.map((url) => baseOf(url, option));
    requireToken(token, option);
    this.#headers = { Authorization: `Bearer ${token}` };
    this.#maxStaleMs = maxStaleMs;
    this.#self = self;
    this.#peer = peer;
    this.#mostPauseMs = peer === OWNER ? Infinity : MOST_PAUSE_MS;
    this.#askOver = askOver;
  }

  get via(): readonly string[] {
    return this.#via;
  }

  open(listener: PathListener): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    void this.#run(listener, this.#abort.signal);
  }

  close(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  /** Runs session after session until closed, with a jittered pause after each failure. Never rejects. */
  async #run(listener: PathListener, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      const session = new AbortController();
      const abort = (): void => session.abort();
      signal.addEventListener('abort', abort, { once: true });
      const backMs = backoffMs(this.#time, Math.floor(failures / this.#bases.length));
      let pauseMs = Math.min(backMs, jittered(this.#time, this.#mostPauseMs));
      try {
        await this.#session(listener, session.signal, () => (failures = 0));
      } catch (error) {
        if (signal.aborted) return;
        const failure = this.#named(error instanceof TandemError ? error : broken('a fault in it', error));
        this.#at = (this.#at + 1) % this.#bases.length;
        const isRoundOver = failures % this.#bases.length === this.#bases.length - 1;
        if (!isRoundOver) pauseMs = jittered(this.#time, NEXT_PAUSE_MS);
        else if (failure.code === 'DIRECT_REFUSED') pauseMs = jittered(this.#time, REFUSED_PAUSE_MS);
        listener.down(failure);
      } finally {
        session.abort();
        signal.removeEventListener('abort', abort);
      }
      await pause(this.#time, pauseMs, signal);
    }
  }

  async #session(listener: PathListener, signal: AbortSignal, succeeded: () => void): Promise<void> {
    this.clock.reset();
    // A position of epoch 0 may be any owner's that has not claimed yet. There is nothing to go on from.
    for (let needsState = listener.position().epoch === 0; ; needsState = true) {
      if (needsState) await this.#readState(listener, signal);
      const answer = await this.#ask(
        `/direct/${this.#space}/frames?from=${printPosition(listener.position())}`,
        signal,
      );
      if (answer.status === 410 && !needsState) {
        answer.cancel();
        continue;
      }
      this.#requireOk(answer);
      await this.#readClock(answer, signal);
      if (await this.#follow(answer, listener, { succeeded, signal }))
        throw unavailable(`${this.#name} ended the feed`);
      // Once, this is a new epoch: the state is read. Right after the state, it would go on without an end.
      if (needsState)
        throw unavailable(`what ${this.#name} sends does not follow from the state that it sent`);
    }
  }

  /** Gives the whole state to the listener, as it comes. */
  async #readState(listener: PathListener, signal: AbortSignal): Promise<void> {
    const askedAt = this.#time.now();
    const answer = await this.#ask(`/direct/${this.#space}/state`, signal);
    this.#requireOk(answer);
    await this.#readClock(answer, signal);
    const text = new FrameText();
    let state: WholeState | undefined;
    const begun = (frame: Frame): WholeState => {
      if (state !== undefined) return state;
      const begin = listener.begin(frame, askedAt, signal);
      if (typeof begin === 'object') return (state = begin);
      throw begin === 'fenced' ? this.#superseded() : this.#behind();
    };
    let length = 0;
    await this.#whileHeard(answer, STATE_SILENCE_MS, (piece) => {
      length += piece.length;
      requireSize(length, MAX_LENGTH);
      text.push(piece);
      return text.head && begun(text.head).take(text.changes());
    });
    const whole = begun(text.end());
    await whole.take(text.changes());
    const reception = await whole.end();
    if (reception === 'fenced') throw this.#superseded();
    if (reception === 'gap') throw this.#behind();
  }

  /** Applies frames. Returns true once the feed has ended, false once a frame does not follow. */
  async #follow(
    answer: Answer,
    listener: PathListener,
    { succeeded, signal }: { succeeded: () => void; signal: AbortSignal },
  ): Promise<boolean> {
    let isUp = false;
    let follows = true;
    const events = new EventReader(MAX_LENGTH, (event) => {
      if (!follows) return;
      const receivedAt = this.#time.now();
      const message = decodeMessage(messageOf(event), MAX_LENGTH);
      if (message.is !== 'frame') return listener.ignored();
      const { frame } = message;
      const reception = listener.receive(frame, receivedAt);
      this.#checkClock(frame, receivedAt, signal);
      if (reception === 'fenced') throw this.#superseded();
      follows = reception === 'applied';
      if (!follows) return answer.cancel();
      if (!isUp) listener.up();
      isUp = true;
      succeeded();
    });
    try {
      await this.#whileHeard(answer, this.#maxStaleMs, (piece) => events.push(piece));
      return follows;
    } catch (error) {
      if (follows) throw error;
      return false;
    }
  }

  /**
   * Reads a body until it ends. One that is silent for `silenceMs` counts as dead. For a feed that is
   * `maxStaleMs`, since heartbeats come more often.
   */
  async #whileHeard(
    answer: Answer,
    silenceMs: number,
    take: (piece: string) => Promise<void> | void,
  ): Promise<void> {
    const time = this.#time;
    let heardAt = time.now();
    /** No piece comes while the one before is taken. */
    let isTaking = false;
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const listen = (): Cancel =>
      time.after(heardAt + silenceMs - time.now(), () => {
        // After a blocked loop, the pieces that have arrived by now are read first.
        time.nextTurn(() =>
          time.nextTurn(() => {
            if (isTaking) heardAt = time.now();
            if (time.now() - heardAt < silenceMs) cancel = listen();
            else reject(unavailable(`${this.#name} was silent for ${silenceMs} ms`));
          }),
        );
      });
    let cancel = listen();
    const taken = (): void => {
      heardAt = time.now();
      isTaking = false;
    };
    const reading = answer.read((piece) => {
      heardAt = time.now();
      const taking = take(piece);
      if (taking === undefined) return undefined;
      isTaking = true;
      return taking.finally(taken);
    });
    try {
      await Promise.race([reading, silence]);
    } finally {
      cancel();
      answer.cancel();
      reading.catch(() => {});
    }
  }

  /** Reads the whole body, which may come slowly and be large, up to a limit of each. */
  async #read(answer: Answer, timeoutMs: number, maxLength: number): Promise<string> {
    const late = (): Error => unavailable(`the answer of ${this.#name} did not come within ${timeoutMs} ms`);
    const pieces: string[] = [];
    let length = 0;
    const read = answer.read((piece) => {
      pieces.push(piece);
      length += piece.length;
      requireSize(length, maxLength);
    });
    try {
      await withDeadline(this.#time, timeoutMs, read, late);
    } finally {
      answer.cancel();
    }
    return pieces.join('');
  }

  /**
   * Reads the owner's clock once an answer has begun, and before its body is read. A process that was started
   * anew at this address has another clock: a sample that does not agree with earlier ones makes those void.
   */
  async #readClock(answer: Answer, signal: AbortSignal): Promise<void> {
    try {
      const samples = this.clock.errorMs === Infinity ? CLOCK_SAMPLES : 1;
      for (let n = 0; n < samples; n += 1) await this.#sampleClock(signal);
    } catch (error) {
      answer.cancel();
      throw error;
    }
  }

  /**
   * Reads the owner's clock beside the feed, where the last sample is old, or where a frame shows that one of
   * the clocks was set. Such a frame is of a time to come, or so old that it proves nothing.
   */
  #checkClock({ cutAt, publishedAt }: Frame, now: number, signal: AbortSignal): void {
    const latest = this.clock.latest(now);
    const isOff = publishedAt > latest || latest - cutAt > this.#maxStaleMs / 2;
    if (now - this.#sampledAt < (isOff ? CLOCK_PAUSE_MS : CLOCK_AGE_MS)) return;
    // Where the owner does not answer, the feed ends soon. Where it does, the next frame asks again.
    this.#sampleClock(signal).catch(() => {});
  }

  async #sampleClock(signal: AbortSignal): Promise<void> {
    const sentAt = this.#time.now();
    this.#sampledAt = sentAt;
    const answer = await this.#ask('/direct/clock', signal);
    const receivedAt = this.#time.now();
    this.#requireOk(answer, false);
    const told = JSON.parse(await this.#read(answer, ANSWER_TIMEOUT_MS, MAX_CLOCK_LENGTH)) as unknown;
    const now = (told as { now?: unknown } | null)?.now;
    if (typeof now !== 'number')
      throw unavailable(`expected a time of the clock of ${this.#name}, got ${kindOf(now)}`);
    this.clock.sample(sentAt, now, receivedAt);
  }

  async #ask(path: string, signal: AbortSignal): Promise<Answer> {
    const answer = this.#askOver(this.#bases[this.#at]! + path, this.#headers, signal);
    const late = (): Error => unavailable(`${this.#name} did not answer within ${ANSWER_TIMEOUT_MS} ms`);
    try {
      return await withDeadline(this.#time, ANSWER_TIMEOUT_MS, answer, late);
    } catch (error) {
      if (error instanceof TandemError) throw error;
      throw broken(`${this.#name} cannot be reached`, error);
    }
  }

  /** The process at the other end, for an error. No error shows an address, since one may hold a secret. */
  get #name(): string {
    return this.#bases.length === 1 ? this.#peer : `${this.#peer} (${this.#at + 1} of ${this.#bases.length})`;
  }

  /** The error of a session, by the name of this path: a reader of it may have Redis in mind. */
  #named(error: TandemError): TandemError {
    const { code, message, cause } = error;
    const isNamed = this.#peer !== OWNER || message.includes('the direct path');
    if (isNamed) return error;
    return new TandemError(code, `the direct path has failed: ${message}`, { cause });
  }

  /** @param isRoute whether the answer says which way its frames have come */
  #requireOk(answer: Answer, isRoute = true): void {
    if (answer.status === 200) return void (isRoute && this.#requireWay(answer));
    answer.cancel();
    if (answer.status === 401 || answer.status === 403)
      throw new TandemError('DIRECT_REFUSED', `${this.#name} refused the token of the direct path`);
    throw unavailable(`${this.#name} answered ${answer.status}`);
  }

  /** Frames that have come through this very process prove nothing, and would go round for ever. */
  #requireWay(answer: Answer): void {
    const via =
      answer
        .header(VIA)
        ?.split(',')
        .map((id) => id.trim()) ?? [];
    const isLoop = this.#self !== undefined && via.includes(this.#self);
    if (!isLoop && via.length <= MAX_HOPS) return void (this.#via = via);
    answer.cancel();
    if (isLoop) throw unavailable(`${this.#name} has its frames from this process itself`);
    throw unavailable(`the frames of ${this.#name} have come through more than ${MAX_HOPS} processes`);
  }

  /**
   * The frames are below the fence. Another owner may have claimed the space, or this one has, and does not know
   * yet that its claim was granted.
   */
  #superseded(): TandemError {
    return unavailable(`a later claim of the space was heard: ${this.#name} may be superseded`);
  }

  #behind(): TandemError {
    return new TandemError('ROLLED_BACK', `${this.#name} is behind the state seen here`);
  }
}

/** The header that names the processes which frames have come through, the one that answers last. */
export const VIA = 'tandem-via';
/** A longer way is none that anybody builds on purpose. */
const MAX_HOPS = 16;

/**
 * The address that paths are appended to. No error shows any part of it, since it may hold a secret.
 * @throws TandemError `INVALID_OPTION`
 */
function baseOf(url: unknown, option: string): string {
  const parsed = typeof url === 'string' ? URL.parse(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw invalidUrl(option, typeof url === 'string' && url !== '' ? 'another string' : kindOf(url));
  if (parsed.username !== '' || parsed.password !== '')
    throw invalidUrl(option, 'one with a user or a password');
  if (parsed.search !== '' || parsed.hash !== '') throw invalidUrl(option, 'one with a query or a fragment');
  return parsed.href.replace(/\/$/, '');
}

function invalidUrl(option: string, came: string): TandemError {
  return new TandemError(
    'INVALID_OPTION',
    `${option}: expected an address such as "http://127.0.0.1:7070", got ${came}`,
  );
}

/**
 * @throws TandemError `INVALID_OPTION` for a token that no header can carry. The error does not show the
 * token.
 */
function requireToken(token: string, option: string): void {
  if (typeof token === 'string' && /^[\x20-\x7e]+$/.test(token)) return;
  const came = typeof token === 'string' ? 'another string' : typeof token;
  throw new TandemError(
    'INVALID_OPTION',
    `${option.replace(/\.\w+$/, '.token')}: expected printable ASCII, not empty, got ${came}`,
  );
}

function unavailable(message: string): TandemError {
  return new TandemError('DIRECT_UNAVAILABLE', message);
}

/** An error of HTTP or of a parser: it may quote what came, so only what is known to be safe is kept. */
function broken(what: string, error: unknown): TandemError {
  const safe = safeError(error);
  const cause = causeOf(safe);
  return new TandemError('DIRECT_UNAVAILABLE', `${what}: ${safe.text}`, { cause });
}
