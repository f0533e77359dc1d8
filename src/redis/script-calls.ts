/**
 * Calls of the scripts: by hash, or by text where Redis does not know one.
 *
 * A call that only reads goes out as `EVALSHA_RO`, since an ACL may let a follower read the keys of a space and
 * no more. A server before Redis 7 does not have that command, and gets `EVALSHA`.
 */
import type { ServerClock } from '../base/clock.ts';
import type { TandemError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import type { Reply } from './commands.ts';
import { readTime } from './commands.ts';
import type { Connection } from './connection.ts';
import type { KeyList, Keys } from './keys.ts';
import {
  isDenied,
  isUnnamed,
  lacks,
  missingCommands,
  missingPlaces,
  READING_COMMANDS,
  WRITING_COMMANDS,
} from './permissions.ts';
import { Script } from './script.ts';

/** The files that each script is put together from, and the keys that it is given. */
const SCRIPTS = {
  claim: { script: new Script('needs', 'head', 'holder', 'claim'), keys: 'all' },
  // A cut that is accepted needs no head: reading it would take Redis longer than the commit.
  commit: { script: new Script('needs', 'apply', 'commit', 'head', 'refused'), keys: 'short' },
  recordedCommit: {
    script: new Script('needs', 'apply', 'record', 'commit', 'head', 'refused'),
    keys: 'live',
  },
  stage: { script: new Script('needs', 'head', 'apply', 'stage'), keys: 'all' },
  flip: { script: new Script('needs', 'head', 'record', 'flip'), keys: 'turn' },
  settle: { script: new Script('needs', 'head', 'record', 'settle'), keys: 'turn' },
  replaceAll: { script: new Script('needs', 'head', 'replace-all'), keys: 'all' },
  since: { script: new Script('head', 'since'), keys: 'all' },
  renew: { script: new Script('head', 'renew'), keys: 'short' },
  history: { script: new Script('head', 'history'), keys: 'live' },
  release: { script: new Script('head', 'release'), keys: 'all' },
  remove: { script: new Script('needs', 'head', 'holder', 'remove'), keys: 'all' },
} as const;

/** Asked once a script was refused. */
const DENIED = new Script('denied');

export interface CallOptions {
  /** With these arguments the script writes nothing. Default false. */
  readonly isReading?: boolean;
  /** Of the reply, where they may be many. */
  readonly bytesAwaited?: number;
  /** Told that the call has failed, before anything else is tried. */
  readonly failed?: (failure: TandemError) => void;
}

interface Call<T> {
  readonly script: Script;
  readonly keys: Keys;
  readonly list: KeyList;
  readonly args: readonly string[];
  readonly read: (reply: Reply) => T;
  readonly isReading: boolean;
  readonly bytesAwaited: number;
}

export class ScriptCalls {
  readonly #connection: Connection;
  readonly #time: Time;
  readonly #clock: ServerClock;
  /** Whether scripts publish to the shard of a Cluster alone. */
  isSharded = false;
  /** Whether `EVALSHA_RO` is there, for this user: found out by the first call over each client. */
  #canAskReading = true;

  constructor(connection: Connection, time: Time, clock: ServerClock) {
    this.#connection = connection;
    this.#time = time;
    this.#clock = clock;
  }

  /** The next client may be of another server, or of another user. */
  forget(): void {
    this.#canAskReading = true;
  }

  /**
   * @param read what the reply means; the server's time in it is a sample for the clock
   * @throws TandemError as `Connection.send`
   */
  ask<T>(
    name: keyof typeof SCRIPTS,
    keys: Keys,
    args: readonly string[],
    read: (reply: Reply) => T,
    { isReading = false, bytesAwaited = 0, failed }: CallOptions = {},
  ): Promise<T> {
    const { script: plain, keys: which } = SCRIPTS[name];
    const script = this.isSharded ? plain.ofShard : plain;
    return this.#ask({ script, keys, list: keys[which], args, read, isReading, bytesAwaited }, failed);
  }

  #ask<T>(call: Call<T>, failed: CallOptions['failed']): Promise<T> {
    const asReading = call.isReading && this.#canAskReading;
    return this.#send(call, 'byHash', asReading, (failure) => {
      failed?.(failure);
      if (isUnknownScript(failure))
        return this.#send(call, 'byText', asReading, (later) => this.#refused(call, asReading, later));
      return this.#refused(call, asReading, failure);
    });
  }

  #send<T>(
    { script, list, args, read, bytesAwaited }: Call<T>,
    way: 'byHash' | 'byText',
    asReading: boolean,
    rescue: (failure: TandemError) => Promise<T>,
  ): Promise<T> {
    const sentAt = this.#time.now();
    const take = (reply: unknown): T => {
      const receivedAt = this.#time.now();
      this.#clock.sample(sentAt, readTime(reply as Reply), receivedAt);
      return read(reply as Reply);
    };
    return this.#connection.send(
      (client) => script[way](client, list, args, asReading),
      take,
      rescue,
      bytesAwaited,
    );
  }

  async #refused<T>(call: Call<T>, asReading: boolean, failure: TandemError): Promise<T> {
    if (!asReading || !lacks(failure, 'evalsha_ro', 'eval_ro')) throw await this.#explained(call, failure);
    this.#canAskReading = false;
    try {
      return await this.#ask(call, undefined);
    } catch (later) {
      throw isDenied(later) && isDenied(failure) ? failure : later;
    }
  }

  /** Names what an ACL withholds. */
  async #explained({ keys, isReading }: Call<unknown>, failure: TandemError): Promise<TandemError> {
    if (!isDenied(failure)) return failure;
    if (!isUnnamed(failure)) return missingPlaces(failure, keys, isReading);
    const writing = this.isSharded ? [...WRITING_COMMANDS, 'spublish'] : WRITING_COMMANDS;
    const commands = isReading ? READING_COMMANDS : [...READING_COMMANDS, ...writing];
    const ask = (): Promise<readonly string[]> =>
      this.#connection.send(
        (client) =>
          DENIED.byText(client, keys.live, [keys.channel, ...commands], isReading && this.#canAskReading),
        (reply) => reply as readonly string[],
      );
    return missingCommands(failure, await ask().catch(() => []));
  }
}

/** Redis does not know the script: it has lost its scripts, or never had this one. */
function isUnknownScript({ cause }: TandemError): boolean {
  return cause instanceof Error && cause.message.startsWith('NOSCRIPT');
}
