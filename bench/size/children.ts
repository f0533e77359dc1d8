/** The processes of one scenario, ended together whatever happens. */
import { Child } from '../harness/child.ts';
import type { MemoryTaken } from '../harness/memory.ts';

const OPTIONS = ['--expose-gc', '--max-old-space-size=6144'];

/** What a giant says of the time since `begin`. */
export interface Seen {
  readonly stretchMs: number;
  /** Of a small space that it follows. */
  readonly smallStaleMs: number;
  /** Of the large one. */
  readonly staleMs: number;
  /** The most memory beyond what it had at the beginning. */
  readonly memory: MemoryTaken;
  /** How often a space was degraded, and how often an owner was fenced. */
  readonly outages: number;
  readonly fences: number;
  /** How often a reader saw a turn in part. */
  readonly torn: number;
  /** Changes of mode and errors, of all of its spaces. */
  readonly events: readonly string[];
}

export class Children {
  readonly #url: string;
  readonly #all: Child[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async giant(name: string): Promise<Child> {
    const child = this.#start('giant');
    await child.ask('open', { url: this.#url, name });
    return child;
  }

  async bare(): Promise<Child> {
    const child = this.#start('bare');
    await child.ask('open', this.#url);
    return child;
  }

  clients(): Child {
    return this.#start('clients');
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map((child) => child.end()));
  }

  #start(file: string): Child {
    const child = new Child(file, OPTIONS);
    this.#all.push(child);
    return child;
  }
}

/** Starts processes, runs, and ends them all whatever happens. */
export async function withChildren<T>(url: string, run: (children: Children) => Promise<T>): Promise<T> {
  const children = new Children(url);
  try {
    return await run(children);
  } finally {
    await children.end();
  }
}
