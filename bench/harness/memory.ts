/** The memory that a process takes beyond what it took when idle. */
import { getHeapSpaceStatistics } from 'node:v8';

/** Bytes. */
export interface MemoryTaken {
  /** Of the resident set. */
  readonly all: number;
  /**
   * But for the young generation of the heap. That one grows with whatever a process does for the first time, and
   * stays.
   */
  readonly held: number;
}

export class Memory {
  #idle: MemoryTaken | undefined;
  #all = 0;
  #held = 0;

  constructor() {
    setInterval(() => this.#look(), 20);
  }

  /** What it takes now is idle. */
  begin(): void {
    (globalThis as { gc?: () => void }).gc?.();
    this.#idle = taken();
    this.#all = this.#held = 0;
  }

  /** The most beyond that since `begin`. */
  end(): MemoryTaken {
    this.#look();
    this.#idle = undefined;
    return { all: this.#all, held: this.#held };
  }

  #look(): void {
    if (this.#idle === undefined) return;
    const { all, held } = taken();
    this.#all = Math.max(this.#all, all - this.#idle.all);
    this.#held = Math.max(this.#held, held - this.#idle.held);
  }
}

function taken(): MemoryTaken {
  const all = process.memoryUsage.rss();
  const isYoung = ({ space_name: name }: { space_name: string }): boolean => name.startsWith('new_');
  const young = getHeapSpaceStatistics().filter(isYoung);
  return { all, held: all - young.reduce((sum, { physical_space_size: bytes }) => sum + bytes, 0) };
}
