/** Lua scripts, put together from the files in `scripts`, and how a call of one travels. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command } from 'ioredis';
import type { Client } from './client.ts';
import type { KeyList } from './keys.ts';
import { bulk } from './keys.ts';

export class Script {
  readonly #lua: string;
  readonly #sha: string;
  /** What a call begins with: between the number of its arguments and the number of its keys. */
  readonly #start: string;

  /** @param parts names of files, in order: all of them share their local variables */
  constructor(...parts: readonly string[]) {
    this.#lua = parts.map(read).join('');
    this.#sha = createHash('sha1').update(this.#lua).digest('hex');
    this.#start = `\r\n${bulk('evalsha')}${bulk(this.#sha)}`;
  }

  /** Calls the script by its hash. A server that does not know it does nothing: it needs `byText`. */
  byHash(client: Client, keys: KeyList, args: readonly string[]): Command {
    // For a Cluster, ioredis has to see the arguments: from the keys it finds the node.
    if (client.isCluster) return command('evalsha', [this.#sha, ...rest(keys, args)]);
    let text = `*${3 + keys.names.length + args.length}${this.#start}${bulk(String(keys.names.length))}${keys.text}`;
    for (const arg of args) text += bulk(arg);
    return new Prepared('evalsha', text);
  }

  byText(keys: KeyList, args: readonly string[]): Command {
    return command('eval', [this.#lua, ...rest(keys, args)]);
  }
}

/**
 * A command whose text is made already. A call of a script has some fifteen arguments, most of them the same
 * each time, and ioredis would make the text of each anew.
 */
export class Prepared extends Command {
  readonly #text: string;

  constructor(name: string, text: string) {
    super(name, [], OPTIONS);
    this.#text = text;
  }

  override toWritable(): string {
    return this.#text;
  }
}

const OPTIONS = { replyEncoding: 'utf8' } as const;

function command(name: string, args: string[]): Command {
  return new Command(name, args, OPTIONS);
}

function rest({ names }: KeyList, args: readonly string[]): string[] {
  return [String(names.length), ...names, ...args];
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
