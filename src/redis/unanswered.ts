/** What goes out over one client: in the order in which it is sent, and what a turn of the loop sends in few writes. */
import type { Redis } from 'ioredis';
import type { Time } from '../base/time.ts';
import type { Client } from './client.ts';
import { bulk } from './keys.ts';

/** More of what was written and has not gone out is a server that takes nothing, in UTF-16 code units. */
const MAX_WAITING = 65_536;

/** Before a command that is not to be answered: https://redis.io/docs/latest/commands/client-reply/ */
export const UNANSWERED = `*3\r\n${bulk('client')}${bulk('reply')}${bulk('skip')}`;

export class Outgoing {
  readonly #client: Client;
  readonly #time: Time;
  /** What has come of this turn of the loop. */
  #turn: 'is new' | 'has written' | 'gathers' = 'is new';
  /** What was posted in this turn and has not gone out. */
  #posts = '';

  constructor(client: Client, time: Time) {
    this.#client = client;
    this.#time = time;
  }

  /** Whether commands can be posted past ioredis at all: a Cluster's client has no one stream. */
  get isStream(): boolean {
    return this.#stream !== undefined;
  }

  /** Whether what was sent before waits to go out. */
  get isFull(): boolean {
    return (this.#stream?.writableLength ?? Infinity) >= MAX_WAITING;
  }

  /**
   * Before each command: the first of a turn of the loop goes out at once; others of that turn are gathered, and go out in one write when it
   * ends: the heartbeats of a thousand spaces are due together.
   */
  gather(): void {
    this.#begin();
    this.#writePosts();
  }

  /** Sends a command past ioredis, which is not to wait for an answer: the server is told to give none. */
  post(text: string): void {
    this.#begin();
    this.#posts += UNANSWERED + text;
    if (this.#turn !== 'gathers') this.#writePosts();
  }

  /** The client is given up: nothing more goes out over it. */
  end(): void {
    this.#posts = '';
  }

  get #stream(): Redis['stream'] | undefined {
    return !this.#client.isCluster && 'stream' in this.#client ? this.#client.stream : undefined;
  }

  #begin(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#turn === 'gathers') return;
    if (this.#turn === 'has written') {
      this.#turn = 'gathers';
      stream.cork();
      return;
    }
    this.#turn = 'has written';
    this.#time.nextTurn(() => {
      this.#writePosts();
      if (this.#turn === 'gathers') stream.uncork();
      this.#turn = 'is new';
    });
  }

  #writePosts(): void {
    if (this.#posts === '') return;
    this.#stream?.write(this.#posts);
    this.#posts = '';
  }
}
