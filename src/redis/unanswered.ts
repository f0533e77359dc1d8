/**
 * Unanswered commands: Redis carries them out, and is told not to reply (`CLIENT REPLY SKIP`). A reply would
 * cost the server a write, and this process a turn of its loop:
 * https://redis.io/docs/latest/commands/client-reply/
 *
 * They are written past ioredis, which knows nothing of them. So a reply to one of them would be worse than a
 * lost one: ioredis would take each reply behind it for that of another call.
 *
 * | what may happen                      | what is done                                                   |
 * | ------------------------------------ | -------------------------------------------------------------- |
 * | a server or a proxy replies to all   | Each new client is tried. One that fails is thrown away, and   |
 * |                                      | for ten minutes the connection does without.                   |
 * | Redis replies later: it is busy, or  | The first such reply is recognized as it is read. The client   |
 * | an ACL forbids it by now             | is given up, and no call of it gets a reply any more.          |
 * | the socket is backed up              | `canSendUnanswered` is false until it has drained.             |
 * | Redis does not carry one out         | Nothing here: a later call finds out.                          |
 */
import type { Command, Redis } from 'ioredis';
import type { TandemError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import { randomId } from '../base/time.ts';
import { fromRedis, unavailable } from './errors.ts';
import { bulk } from './keys.ts';
import { Prepared } from './script.ts';
import type { Client } from './target.ts';
import { streamOf } from './traffic.ts';

/** A server that answered, or that forbids `CLIENT REPLY`, is tried again after this. */
const TRY_AGAIN_MS = 600_000;
/**
 * Above this many UTF-16 code units in its buffer before this turn of the loop, treat the socket as backed
 * up.
 */
const BACKED_UP = 65_536;
const SKIP_REPLY = `*3\r\n${bulk('client')}${bulk('reply')}${bulk('skip')}`;
/**
 * Replies that Redis may give to `CLIENT REPLY` itself, and ioredis's error for a reply that no command waits
 * for.
 */
const OUT_OF_STEP = /BUSY |NOAUTH |NOPERM .*'client|Command queue state error/s;
const FORBIDDEN = /NOPERM /;

/** What a connection remembers of unanswered commands from one client to the next. */
export class Unanswered {
  readonly #time: Time;
  #isWanted = false;
  #refusedAt = -Infinity;

  constructor(time: Time) {
    this.#time = time;
  }

  /** From now on clients are tried. Gives false where they were before. */
  want(): boolean {
    const isNew = !this.#isWanted;
    this.#isWanted = true;
    return isNew;
  }

  /** Whether to try a new client. A Cluster's client has no one stream to write to. */
  isWorthTrying(client: Client): boolean {
    return this.#isWanted && !client.isCluster && this.#time.now() - this.#refusedAt > TRY_AGAIN_MS;
  }

  /** This server does not leave out replies, or does not let this user ask for that. */
  refused(): void {
    this.#refusedAt = this.#time.now();
  }
}

/**
 * What goes out over one client: in the order in which it is sent, and what a turn of the loop sends in few
 * writes.
 */
export class Outgoing {
  readonly #client: Client;
  readonly #time: Time;
  readonly #memory: Unanswered;
  readonly #outOfStep: (failure: TandemError) => void;
  /** Unanswered commands are on once the client was tried. */
  #unanswered: 'off' | 'on' = 'off';
  /** What this turn of the loop has done so far. */
  #turn: 'is new' | 'has written' | 'gathers' = 'is new';
  /** What the socket had in its buffer when this turn began to gather. */
  #bufferedBefore = 0;
  /** Unanswered commands of this turn that have not gone out. */
  #waiting = '';
  #hasEnded = false;

  /** @param outOfStep told where replies may belong to other calls: the client is to be given up at once */
  constructor(client: Client, time: Time, memory: Unanswered, outOfStep: (failure: TandemError) => void) {
    this.#client = client;
    this.#time = time;
    this.#memory = memory;
    this.#outOfStep = outOfStep;
  }

  get canSendUnanswered(): boolean {
    return this.#unanswered === 'on' && !this.#isBackedUp;
  }

  /**
   * Sends a command that Redis carries out in the order of all others, and does not reply to.
   * @param text the command as it travels
   */
  sendUnanswered(text: string): void {
    if (this.#unanswered !== 'on') return;
    this.#begin();
    this.#waiting += SKIP_REPLY + text;
    if (this.#turn !== 'gathers') this.#writeWaiting();
  }

  /**
   * To be called before each command that is answered. The first of a turn of the loop goes out at once.
   * Others of that turn are gathered and go out in one write when it ends: the heartbeats of a thousand
   * spaces are due together.
   */
  gather(): void {
    this.#begin();
    this.#writeWaiting();
  }

  /**
   * Tries, where it is worth trying, whether the server leaves out the replies that it is told to leave out,
   * and no others. Gives false where it does not: replies may still be on their way, so the client has to be
   * thrown away.
   * @param ask sends a command and waits for its reply
   * @throws TandemError where the server cannot say now
   */
  async tryUnanswered(ask: (command: Command) => Promise<unknown>): Promise<boolean> {
    if (this.#hasEnded || this.#unanswered === 'on' || !this.#memory.isWorthTrying(this.#client)) return true;
    this.#guardReplies();
    const isSkipped = this.#stream !== undefined && (await this.#isReplySkipped(ask));
    if (isSkipped) this.#unanswered = 'on';
    else this.#memory.refused();
    return isSkipped;
  }

  /**
   * To be told of each error that ioredis reads or reports. Redis is busy, or forbids `CLIENT REPLY` by now:
   * then it has replied to an unanswered command, and each reply behind that one would be taken for
   * another's.
   */
  notice(error: unknown): void {
    if (this.#unanswered !== 'on' || !OUT_OF_STEP.test(String(error))) return;
    if (FORBIDDEN.test(String(error))) this.#memory.refused();
    this.#outOfStep(unavailable('Redis replied to a command that it was told not to reply to'));
  }

  /** The client is given up: nothing goes out over it any more, and no call gets a reply. */
  end(): void {
    this.#hasEnded = true;
    this.#unanswered = 'off';
    this.#waiting = '';
  }

  /**
   * Each error is noticed as it is read, before any reply behind it. Once the client is given up no call gets
   * a reply, also none that was read in one piece with that error.
   */
  #guardReplies(): void {
    const client = this.#client;
    const send = client.sendCommand.bind(client);
    const sendGuarded = (command: Command, ...rest: []): unknown => {
      const { resolve, reject } = command;
      command.resolve = (reply: unknown) => {
        if (!this.#hasEnded) resolve(reply);
      };
      command.reject = (error: Error) => {
        this.notice(error);
        reject(error);
      };
      return send(command, ...rest);
    };
    client.sendCommand = sendGuarded as Client['sendCommand'];
  }

  /** Two commands in one write, of which the server is to answer the second alone. */
  async #isReplySkipped(ask: (command: Command) => Promise<unknown>): Promise<boolean> {
    const token = randomId(this.#time);
    try {
      return (await ask(new Prepared('echo', SKIP_REPLY + echo('of no interest') + echo(token)))) === token;
    } catch (error) {
      const failure = fromRedis(error);
      if (failure.retryable) throw failure;
      return false;
    }
  }

  get #stream(): Redis['stream'] | undefined {
    return streamOf(this.#client);
  }

  /**
   * What this turn gathers does not count: it goes out when the turn ends, however many heartbeats are due in
   * it.
   */
  get #isBackedUp(): boolean {
    const buffered = this.#turn === 'gathers' ? this.#bufferedBefore : this.#stream?.writableLength;
    return (buffered ?? Infinity) >= BACKED_UP;
  }

  #begin(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#turn === 'gathers') return;
    if (this.#turn === 'has written') {
      this.#turn = 'gathers';
      this.#bufferedBefore = stream.writableLength;
      stream.cork();
      return;
    }
    this.#turn = 'has written';
    this.#time.nextTurn(() => {
      this.#writeWaiting();
      if (this.#turn === 'gathers') stream.uncork();
      this.#turn = 'is new';
    });
  }

  #writeWaiting(): void {
    if (this.#waiting === '') return;
    this.#stream?.write(this.#waiting);
    this.#waiting = '';
  }
}

function echo(message: string): string {
  return `*2\r\n${bulk('echo')}${bulk(message)}`;
}
