/** The memory that a process takes beyond what it took when idle. */
export class Memory {
  #idle = 0;
  #most = 0;

  constructor() {
    setInterval(() => {
      if (this.#idle > 0) this.#most = Math.max(this.#most, process.memoryUsage.rss());
    }, 20);
  }

  /** What it takes now is idle. */
  begin(): void {
    (globalThis as { gc?: () => void }).gc?.();
    this.#idle = this.#most = process.memoryUsage.rss();
  }

  /** The most beyond that since `begin`, bytes. */
  end(): number {
    const most = Math.max(this.#most, process.memoryUsage.rss()) - this.#idle;
    this.#idle = 0;
    return most;
  }
}
