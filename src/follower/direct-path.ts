/**
 * The direct path, follower's side: reads frames from the owner's process, without Redis between.
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
import type { DirectOptions, Path, PathListener, WholeState } from '../ports/path.ts';
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
/** The pause after the owner refused the token, ms: a wrong token does not become right by itself. */
const REFUSED_PAUSE_MS = 5_000;

export class DirectPath implements Path {
  readonly clock: ServerClock;
  readonly #time: Time;
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #space: string;
  readonly #maxStaleMs: number;
  readonly #askOver: Ask;
  #abort: AbortController | undefined;
  /** When the owner's clock was last asked for, on `Time`, ms. */
  #sampledAt = -Infinity;

  /** @param askOver how HTTP is spoken; a simulation has its own way */
  constructor(
    space: string,
    { url, token }: DirectOptions,
    maxStaleMs: number,
    time: Time,
    askOver: Ask = ask,
  ) {
    this.clock = new ServerClock(time);
    this.#time = time;
    this.#space = encodeURIComponent(space);
    this.#base = baseOf(url);
    requireToken(token);
    this.#headers = { Authorization: `Bearer ${token}` };
    this.#maxStaleMs = maxStaleMs;
    this.#askOver = askOver;
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
      let pauseMs = backoffMs(this.#time, failures);
      try {
        await this.#session(listener, session.signal, () => (failures = 0));
      } catch (error) {
        if (signal.aborted) return;
        const failure = named(error instanceof TandemError ? error : broken('a fault in it', error));
        if (failure.code === 'DIRECT_REFUSED') pauseMs = jittered(this.#time, REFUSED_PAUSE_MS);
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
      requireOk(answer);
      await this.#readClock(answer, signal);
      if (await this.#follow(answer, listener, { succeeded, signal }))
        throw unavailable('the owner ended the feed');
      // Once, this is a new epoch: the state is read. Right after the state, it would go on without an end.
      if (needsState) throw unavailable("what the owner sends does not follow from the owner's state");
    }
  }

  /** Gives the whole state to the listener, as it comes. */
  async #readState(listener: PathListener, signal: AbortSignal): Promise<void> {
    const askedAt = this.#time.now();
    const answer = await this.#ask(`/direct/${this.#space}/state`, signal);
    requireOk(answer);
    await this.#readClock(answer, signal);
    const text = new FrameText();
    let state: WholeState | undefined;
    const begun = (frame: Frame): WholeState => {
      if (state !== undefined) return state;
      const begin = listener.begin(frame, askedAt, signal);
      if (typeof begin === 'object') return (state = begin);
      throw begin === 'fenced' ? superseded() : behind();
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
    if (reception === 'fenced') throw superseded();
    if (reception === 'gap') throw behind();
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
      if (reception === 'fenced') throw superseded();
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
            else reject(unavailable(`the owner was silent for ${silenceMs} ms`));
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
    const late = (): Error => unavailable(`the owner's answer did not come within ${timeoutMs} ms`);
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
  #checkClock({ cutAt }: Frame, now: number, signal: AbortSignal): void {
    const ageMs = this.clock.latest(now) - cutAt;
    const isOff = ageMs < 0 || ageMs > this.#maxStaleMs / 2;
    if (now - this.#sampledAt < (isOff ? CLOCK_PAUSE_MS : CLOCK_AGE_MS)) return;
    // Where the owner does not answer, the feed ends soon. Where it does, the next frame asks again.
    this.#sampleClock(signal).catch(() => {});
  }

  async #sampleClock(signal: AbortSignal): Promise<void> {
    const sentAt = this.#time.now();
    this.#sampledAt = sentAt;
    const answer = await this.#ask('/direct/clock', signal);
    const receivedAt = this.#time.now();
    requireOk(answer);
    const told = JSON.parse(await this.#read(answer, ANSWER_TIMEOUT_MS, MAX_CLOCK_LENGTH)) as unknown;
    const now = (told as { now?: unknown } | null)?.now;
    if (typeof now !== 'number')
      throw unavailable(`expected a time of the owner's clock, got ${kindOf(now)}`);
    this.clock.sample(sentAt, now, receivedAt);
  }

  async #ask(path: string, signal: AbortSignal): Promise<Answer> {
    const answer = this.#askOver(this.#base + path, this.#headers, signal);
    const late = (): Error => unavailable(`the owner did not answer within ${ANSWER_TIMEOUT_MS} ms`);
    try {
      return await withDeadline(this.#time, ANSWER_TIMEOUT_MS, answer, late);
    } catch (error) {
      if (error instanceof TandemError) throw error;
      throw broken('the owner cannot be reached', error);
    }
  }
}

/**
 * The address that paths are appended to. No error shows any part of it, since it may hold a secret.
 * @throws TandemError `INVALID_OPTION`
 */
function baseOf(url: unknown): string {
  const parsed = typeof url === 'string' ? URL.parse(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw invalidUrl(typeof url === 'string' && url !== '' ? 'another string' : kindOf(url));
  if (parsed.username !== '' || parsed.password !== '') throw invalidUrl('one with a user or a password');
  if (parsed.search !== '' || parsed.hash !== '') throw invalidUrl('one with a query or a fragment');
  return parsed.href.replace(/\/$/, '');
}

function invalidUrl(came: string): TandemError {
  return new TandemError(
    'INVALID_OPTION',
    `direct.url: expected an address such as "http://127.0.0.1:7070", got ${came}`,
  );
}

/**
 * @throws TandemError `INVALID_OPTION` for a token that no header can carry. The error does not show the
 * token.
 */
function requireToken(token: string): void {
  if (typeof token === 'string' && /^[\x20-\x7e]+$/.test(token)) return;
  const came = typeof token === 'string' ? 'another string' : typeof token;
  throw new TandemError('INVALID_OPTION', `direct.token: expected printable ASCII, not empty, got ${came}`);
}

function requireOk(answer: Answer): void {
  if (answer.status === 200) return;
  answer.cancel();
  if (answer.status === 401 || answer.status === 403)
    throw new TandemError('DIRECT_REFUSED', 'the owner refused the token of the direct path');
  throw unavailable(`the owner answered ${answer.status}`);
}

/**
 * The owner's frames are below the fence. Another owner may have claimed the space, or this one has, and does
 * not know yet that its claim was granted.
 */
function superseded(): TandemError {
  return unavailable('a later claim of the space was heard: the owner at this address may be superseded');
}

function behind(): TandemError {
  return new TandemError('ROLLED_BACK', 'the owner is behind the state seen here');
}

/** The error of a session, by the name of this path: a reader of it may have Redis in mind. */
function named(error: TandemError): TandemError {
  const { code, message, cause } = error;
  if (message.includes('the direct path')) return error;
  return new TandemError(code, `the direct path has failed: ${message}`, { cause });
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
