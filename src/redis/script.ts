/** The Lua scripts, put together from the files in `scripts`. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Client } from './client.ts';

export class Script {
  readonly #lua: string;
  readonly #sha: string;

  /** @param parts files, one behind the other */
  constructor(...parts: readonly string[]) {
    this.#lua = parts.map(read).join('');
    this.#sha = createHash('sha1').update(this.#lua).digest('hex');
  }

  /** Runs by hash; a server that does not know the script has done nothing, and is sent the text. */
  run(client: Client, keys: readonly string[], args: readonly string[]): Promise<string | string[]> {
    const answer = client.evalsha(this.#sha, keys.length, ...keys, ...args) as Promise<string | string[]>;
    return answer.catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return client.eval(this.#lua, keys.length, ...keys, ...args) as Promise<string | string[]>;
    });
  }
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
