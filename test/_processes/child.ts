/** A process that the tests start, and what it reports. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Order, Report } from './load-space.ts';

export class Child {
  readonly #process: ChildProcess;
  readonly reports: Report[] = [];
  /** By kind, up to where reports were handed out. */
  readonly #told = new Map<Report['about'], number>();

  constructor(role: 'owner' | 'follower', ...args: string[]) {
    this.#process = fork(new URL(`./${role}.ts`, import.meta.url), args);
    this.#process.on('message', (report: Report) => this.reports.push(report));
  }

  tell(order: Order): void {
    this.#process.send(order);
  }

  /** The next report of this kind that nobody has waited for yet. */
  async next(about: Report['about'], timeoutMs = 20_000): Promise<Report> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const at = this.reports.findIndex(
        (report, index) => index >= (this.#told.get(about) ?? 0) && report.about === about,
      );
      if (at >= 0) {
        this.#told.set(about, at + 1);
        return this.reports[at]!;
      }
      await once(this.#process, 'message', { signal });
    }
  }

  async ask(order: Order, about: Report['about'], timeoutMs?: number): Promise<Report> {
    this.tell(order);
    return this.next(about, timeoutMs);
  }

  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    if (this.#process.connected) this.tell({ do: 'stop' });
    else this.#process.kill('SIGKILL');
    await ended;
  }
}
