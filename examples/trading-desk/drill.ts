/**
 * The drill: breaks the demo in six ways, one after the other. It says what to look at, waits until page, log and
 * `doctor` have named the break, mends it, and waits until all is well.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Break, Scene } from './breaks.ts';
import { BREAKS } from './breaks.ts';

const ASK_MS = 50;
const NAMED_WITHIN_MS = 20_000;
const OVER_WITHIN_MS = 40_000;
/** Of good times between two breaks. */
const MOST_PAUSE_MS = 4_000;
const DOCTOR_WITHIN_MS = 15_000;
const LABEL = 8;
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
/** Events of the log that say how it is, not what the program does. */
const EVENTS: ReadonlySet<string | undefined> = new Set([
  'mode',
  'freshness',
  'owner',
  'ownership',
  'fenced',
  'uncommitted',
  'error',
]);

/** How one break went. */
interface Outcome {
  readonly title: string;
  /** When the first headline was there, ms after the break; `undefined` where there is none to wait for. */
  readonly namedMs: number | undefined;
  readonly overMs: number;
  /** What did not name it in time. */
  readonly missing: readonly string[];
}

export interface DrillOptions {
  readonly scene: Scene;
  /** Of the API process. */
  readonly url: string;
  /** For how long each break lasts at least, ms. */
  readonly holdMs: number;
  readonly say: (line: string) => void;
}

export class Drill {
  readonly #options: DrillOptions;
  /** The lines of the logs since the break began. */
  #heard: string[] = [];
  #isBroken = false;

  constructor(options: DrillOptions) {
    this.#options = options;
  }

  /** Takes a line of a process's log, or what the demo says itself. */
  hear(name: string | undefined, line: string): void {
    const text = name === undefined ? line : logText(name, line);
    if (text === undefined || !this.#isBroken) return;
    this.#heard.push(text);
    this.#say('log', text);
  }

  /** @throws Error where something was not named, or did not become well again */
  async run(): Promise<void> {
    const { scene, url, holdMs, say } = this.#options;
    await this.#allWell();
    say(
      `The drill breaks the demo in ${BREAKS.length} ways, for ${holdMs / 1_000} s each. Open ${url}/ beside this.`,
    );
    const outcomes: Outcome[] = [];
    for (const [n, one] of BREAKS.entries()) {
      await delay(Math.min(MOST_PAUSE_MS, holdMs / 2));
      say('');
      say(`drill ${n + 1} of ${BREAKS.length}: ${one.title}`);
      outcomes.push(await this.#undergo(one, scene));
    }
    say('');
    for (const outcome of outcomes) say(outcomeText(outcome));
    const missed = outcomes.flatMap(({ title, missing }) => missing.map((what) => `${title}: ${what}`));
    if (missed.length > 0) throw new Error(`not named in time: ${missed.join('; ')}`);
  }

  async #undergo(one: Break, scene: Scene): Promise<Outcome> {
    const { holdMs } = this.#options;
    this.#say('look', one.look);
    this.#heard = [];
    this.#isBroken = true;
    const at = performance.now();
    const missing: string[] = [];
    const since = (): number => performance.now() - at;
    await one.begin(scene);
    let namedMs: number | undefined;
    for (const headline of one.headlines) {
      const summary = await this.#until(() => this.#summaryOf(headline), NAMED_WITHIN_MS);
      if (summary === undefined) missing.push(`the headline ${headline}`);
      else this.#say('page', `after ${inSeconds(since())}: ${summary} (docs/on-call.md#${headline})`);
      namedMs ??= since();
    }
    const isLogged = await this.#until(
      () => this.#heard.some((line) => one.log.test(line)) || undefined,
      NAMED_WITHIN_MS,
    );
    if (isLogged === undefined) missing.push(`the log, which lacks ${one.log}`);
    const found = await this.#doctor();
    this.#say('doctor', found);
    if (!one.doctor.test(found)) missing.push(`doctor, which lacks ${one.doctor}`);
    await delay(Math.max(0, holdMs - since()));
    const mendedMs = since();
    this.#say('mend', `after ${inSeconds(mendedMs)}`);
    await one.mend(scene);
    await this.#allWell();
    this.#isBroken = false;
    this.#say(
      'over',
      `after ${inSeconds(since())}, which is ${inSeconds(since() - mendedMs)} after it was mended`,
    );
    return { title: one.title, namedMs, overMs: since(), missing };
  }

  /** The sentence of a headline, where the page has it now. */
  async #summaryOf(headline: string): Promise<string | undefined> {
    const space = await this.#readiness();
    if (space === undefined) return headline === 'no-contact' ? '/readyz does not answer' : undefined;
    return space.headline === headline ? space.summary : undefined;
  }

  async #allWell(): Promise<void> {
    const isWell = await this.#until(
      async () => (await this.#readiness())?.ready || undefined,
      OVER_WITHIN_MS,
    );
    if (isWell === undefined)
      throw new Error(`the demo is not well again after ${inSeconds(OVER_WITHIN_MS)}`);
  }

  /** What `/readyz?verbose` says of the space; `undefined` where nobody answers, or nothing is known yet. */
  async #readiness(): Promise<{ headline: string; summary: string; ready: boolean } | undefined> {
    const asked = fetch(`${this.#options.url}/readyz?verbose`, { signal: AbortSignal.timeout(1_000) });
    const answer = await asked.catch(() => undefined);
    const body = (await answer?.json().catch(() => undefined)) as { spaces?: never[] } | undefined;
    return body?.spaces?.[0];
  }

  /** What `doctor` finds besides what a demo's Redis always has. */
  async #doctor(): Promise<string> {
    const { redis } = this.#options.scene;
    const args = [CLI, 'doctor', 'trading', '--json', '--redis', redis.url];
    const { stdout, stderr } = await ended(args);
    const findings = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { severity: string; check: string; found: string });
    const wrong = findings.filter(
      ({ severity, check }) => (severity === 'bad' || severity === 'warning') && check !== 'persistence',
    );
    const error = stderr.split('\n').find(Boolean);
    if (wrong.length === 0) return error ?? 'nothing is wrong';
    return wrong.map(({ check, found }) => `${check}: ${found}`).join('; ');
  }

  async #until<T>(
    ask: () => T | undefined | Promise<T | undefined>,
    withinMs: number,
  ): Promise<T | undefined> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined || performance.now() > deadline) return answer;
      await delay(ASK_MS);
    }
  }

  #say(label: string, text: string): void {
    this.#options.say(`  ${label.padEnd(LABEL)}${text}`);
  }
}

function ended(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: DOCTOR_WITHIN_MS }, (_, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
  });
}

/** A line of a log as a person reads it; `undefined` for one that says nothing of how it is. */
function logText(name: string, line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  const { event, level, message } = JSON.parse(line) as Record<string, string>;
  return EVENTS.has(event) ? `${name}: ${level} ${message}` : undefined;
}

function outcomeText({ title, namedMs, overMs, missing }: Outcome): string {
  const named = namedMs === undefined ? 'healed at once' : `named after ${inSeconds(namedMs)}`;
  const over = `over after ${inSeconds(overMs)}`;
  return `  ${title.padEnd(28)}${(missing.length > 0 ? 'NOT NAMED' : named).padEnd(22)}${over}`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
