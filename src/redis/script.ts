/** The Lua scripts: each a file of its own, behind the head that all share. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Client } from './client.ts';

export class Script {
  readonly #lua: string;
  readonly #sha: string;

  constructor(name: 'claim' | 'commit' | 'stage' | 'swap' | 'since' | 'renew' | 'release') {
    this.#lua = read('head') + read(name);
    this.#sha = createHash('sha1').update(this.#lua).digest('hex');
  }

  /** Runs by hash; a server that does not know the script has done nothing, and is sent the text. */
  async run(client: Client, keys: readonly string[], args: readonly string[]): Promise<string[]> {
    try {
      return (await client.evalsha(this.#sha, keys.length, ...keys, ...args)) as string[];
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return (await client.eval(this.#lua, keys.length, ...keys, ...args)) as string[];
    }
  }
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
