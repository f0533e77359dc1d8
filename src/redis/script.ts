/** Lua scripts, put together from the files in `scripts`, and how a call of one travels. */
import { createHash } from '../base/node.ts';
import { Command } from 'ioredis';
import type { KeyList } from './keys.ts';
import { bulk } from './keys.ts';
import { LUA } from './script-texts.ts';
import type { Client } from './target.ts';

export class Script {
  readonly #lua: string;
  /**
   * What a call begins with: between the number of its arguments and the number of its keys. It is made with the
   * first call, since an import is to cost little.
   */
  #start: string | undefined;
  /** The same for a call that only reads. */
  #startOfReading: string | undefined;

  /** What is published reaches the subscribers of the shard: see `ofShard`. Made when it is first asked for. */
  #ofShard: Script | undefined;

  /** @param parts names of files, in order: all of them share their local variables */
  constructor(...parts: readonly (keyof typeof LUA)[] | readonly [Text]) {
    this.#lua = parts.map((part) => (typeof part === 'string' ? LUA[part] : part.lua)).join('');
  }

  /** The same script for a shard of a Cluster. */
  get ofShard(): Script {
    this.#ofShard ??= new Script({ lua: ofShard(this.#lua) });
    return this.#ofShard;
  }

  /**
   * Calls the script by its hash. A server that does not know it does nothing: it needs `byText`.
   * @param isReading whether the call is one that Redis lets write nothing. Redis 7 and later have it
   */
  byHash(client: Client, keys: KeyList, args: readonly string[], isReading = false): Prepared {
    if (isReading) {
      this.#startOfReading ??= this.#startOf('evalsha_ro');
      return prepared('evalsha_ro', client, this.#startOfReading, keys, args);
    }
    this.#start ??= this.#startOf('evalsha');
    return prepared('evalsha', client, this.#start, keys, args);
  }

  #startOf(name: string): string {
    return `\r\n${bulk(name)}${bulk(createHash('sha1').update(this.#lua).digest('hex'))}`;
  }

  byText(client: Client, keys: KeyList, args: readonly string[], isReading = false): Prepared {
    const name = isReading ? 'eval_ro' : 'eval';
    return prepared(name, client, `\r\n${bulk(name)}${bulk(this.#lua)}`, keys, args);
  }
}

/** The text of a script itself. */
interface Text {
  readonly lua: string;
}

/** What is published to all nodes as well: a claim and a removal, for those who look for spaces. */
const PROCLAIMED = /redis\.call\('PUBLISH', (channel, now \.\. '\\n3 (?:fence|removed) .*)\)/g;

/** Publishes by `SPUBLISH`. A node with such a subscriber gets nothing of other shards over the bus. */
export function ofShard(lua: string): string {
  return lua
    .replaceAll(PROCLAIMED, "redis.call('SPUBLISH', $1)\nredis.call('BROADCAST', $1)")
    .replaceAll("'PUBLISH'", "'SPUBLISH'")
    .replaceAll("'BROADCAST'", "'PUBLISH'");
}

/** @param start what stands between the number of the arguments and the number of the keys */
function prepared(
  name: string,
  client: Client,
  start: string,
  keys: KeyList,
  args: readonly string[],
): Prepared {
  const count = String(keys.names.length);
  let text = `*${3 + keys.names.length + args.length}${start}${bulk(count)}${keys.text}`;
  for (const arg of args) text += bulk(arg);
  // From the keys, a Cluster's client finds the node.
  return new Prepared(name, text, client.isCluster ? ['', count, ...keys.names] : []);
}

/**
 * A command whose text is made already. A call of a script has some fifteen arguments, most of them the same
 * each time, and ioredis would make the text of each anew.
 *
 * ioredis does not see the arguments, and values are among them. So neither does who instruments it: ioredis
 * publishes all arguments of `eval` on a diagnostics channel, and OpenTelemetry puts them into spans.
 */
export class Prepared extends Command {
  readonly #text: string;

  /** @param visible arguments that ioredis may see */
  constructor(name: string, text: string, visible: string[] = []) {
    super(name, visible, OPTIONS);
    this.#text = text;
  }

  /** Of its text, UTF-16 code units. */
  get length(): number {
    return this.#text.length;
  }

  override toWritable(): string {
    return this.#text;
  }
}

const OPTIONS = { replyEncoding: 'utf8' } as const;
